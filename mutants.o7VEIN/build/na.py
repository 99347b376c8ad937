import os,errno,mmap
fd=os.open("/dev/nvme0n1",os.O_RDWR|os.O_DIRECT)
c=os.open("/dev/nvme0n1",os.O_RDONLY)
for f in (0x48,0x4b):
  for ln,off in ((1,0),(1024,1024),(16384,0)):
    os.pread(c,16384,0)
    b=mmap.mmap(-1,max(ln,4096))
    try: print(hex(f),ln,off,os.pwritev(fd,[memoryview(b)[:ln]],off,f))
    except OSError as e: print(hex(f),ln,off,errno.errorcode[e.errno])
