# SPDX-License-Identifier: MIT
# Writes 4 KiB again and again, at random places, and reads each write back: paths.py DISK SECONDS RWF
# Prints the number of writes, a count of each error, and how long the longest write and read took.
import collections, errno, os, random, sys, time

disk, seconds, rwf = sys.argv[1], float(sys.argv[2]), int(sys.argv[3], 0)
fd = os.open(disk, os.O_RDWR | os.O_DIRECT)
memory = __import__("mmap").mmap(-1, 4096)
wrong, count, longest, end = collections.Counter(), 0, 0, time.monotonic() + seconds
while time.monotonic() < end:
    place, byte, began = random.randrange(1024) * 4096, random.randbytes(1), time.monotonic()
    memory[:] = byte * 4096
    try:
        if os.pwritev(fd, [memory], place, rwf) != 4096:
            wrong["short"] += 1
        memory[:] = b"\0" * 4096
        if os.preadv(fd, [memory], place) != 4096 or memory[:] != byte * 4096:
            wrong["other data"] += 1
    except OSError as error:
        wrong[errno.errorcode[error.errno]] += 1
    count, longest = count + 1, max(longest, time.monotonic() - began)
print(f"{count} writes, longest {longest:.1f} s, wrong: {dict(wrong) or 'none'}", flush=True)
