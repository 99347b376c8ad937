import errno, glob, mmap, os, sys, time
disk = sys.argv[1]
name = os.path.basename(disk)
def page(letter):
    m = mmap.mmap(-1, 16384); m[:] = letter * 16384; return m
def write(fd, letter, offset=0):
    try: return os.pwritev(fd, [page(letter)], offset, 0x40)
    except OSError as e: return errno.errorcode[e.errno]
def plain(fd, letter, offset=0):
    try: return os.pwritev(fd, [page(letter)], offset)
    except OSError as e: return errno.errorcode[e.errno]
fd = os.open(disk, os.O_RDWR | os.O_DIRECT)
print("present", write(fd, b'a'))
print("GO", flush=True); sys.stdin.readline()   # root deletes it
print("deleted", write(fd, b'b'), "plain", plain(fd, b'c'))
print("GO", flush=True); sys.stdin.readline()   # root brings it back
print("returned", write(fd, b'd'), "plain", plain(fd, b'e'), "size", os.lseek(fd, 0, os.SEEK_END))
os.close(fd)
fd = os.open(disk, os.O_RDWR | os.O_DIRECT)
m = mmap.mmap(-1, 16384); os.preadv(fd, [m], 0)
print("holds", bytes(m[:1]))
print("opened anew", write(fd, b'f'))
