. tests/vm/guest_scsi.sh
. tests/vm/guest_lib.sh; DISK=$(disk d0)
cat > /tmp/n.py <<'P'
import os,mmap,sys,errno
d=sys.argv[1]
m=mmap.mmap(-1,16384); m.write(b'A'*16384)
for rnd in (0,1):
 for i in range(3):
  fd=os.open(d,os.O_RDWR)
  if rnd: os.posix_fadvise(fd,0,0,os.POSIX_FADV_RANDOM)
  os.pwrite(fd,b'a'*32768,0); os.fsync(fd); os.posix_fadvise(fd,0,0,os.POSIX_FADV_DONTNEED)
  os.close(fd)
  fd=os.open(d,os.O_RDWR|os.O_DIRECT)
  for fl in (8,8|2,0,8):
    try: print(rnd,fl,os.pwritev(fd,[m],0,fl))
    except OSError as e: print(rnd,fl,errno.errorcode[e.errno])
  os.close(fd)
P
python3 /tmp/n.py $DISK
