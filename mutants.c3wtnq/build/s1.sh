modprobe() { chroot $TOOLS /sbin/modprobe "$@"; }
modprobe sd_mod; modprobe sg; modprobe scsi_debug dev_size_mb=64 delay=0 atomic_wr=1 atomic_wr_align=2 atomic_wr_gran=2 atomic_wr_max_length=64
for i in 1 2 3 4 5 6 7 8 9 10; do [ -e /sys/block/sda ] && [ -e /dev/sda ] && break; sleep 0.2; done
ls -l /dev/sd* /dev/sg*
echo native; $PWD/build/tests/vm/statx_print /dev/sda
echo command; UNTORN_MODE=command LD_PRELOAD=$PWD/build/libuntorn.so $PWD/build/tests/vm/statx_print /dev/sda
echo nolib; UNTORN_LIBSGUTILS=off UNTORN_MODE=command LD_PRELOAD=$PWD/build/libuntorn.so $PWD/build/tests/vm/statx_print /dev/sda
UNTORN_MODE=command build/untorn doctor /dev/sda
cat > /tmp/w.py <<'P'
import os,mmap,sys
fd=os.open(sys.argv[1],os.O_RDWR|os.O_DIRECT)
m=mmap.mmap(-1,16384); m.write(b'A'*16384)
try: print(os.pwritev(fd,[m],16384,0x40))
except OSError as e: print(e)
P
UNTORN_MODE=command strace -f -e trace=ioctl,openat,pwritev2 -o /tmp/st python3 /tmp/w.py /dev/sda >/dev/null
UNTORN_MODE=command LD_PRELOAD=$PWD/build/libuntorn.so python3 /tmp/w.py /dev/sda
dd if=/dev/sda bs=16k skip=1 count=1 2>/dev/null | head -c 20; echo
chmod 666 /dev/sda
UNTORN_MODE=command LD_PRELOAD=$PWD/build/libuntorn.so setpriv --reuid=65534 --regid=65534 --clear-groups python3 /tmp/w.py /dev/sda
UNTORN_MODE=command  setpriv --reuid=65534 --regid=65534 --clear-groups build/untorn doctor /dev/sda
chmod 666 /dev/sg0
UNTORN_MODE=command LD_PRELOAD=$PWD/build/libuntorn.so setpriv --reuid=65534 --regid=65534 --clear-groups python3 /tmp/w.py /dev/sda
