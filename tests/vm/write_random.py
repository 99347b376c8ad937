#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An ordinary program's atomic writes: write_random.py DEVICE COUNT UNIT_MIN UNIT_MAX START LOG

Writes COUNT blocks of random size and place with RWF_ATOMIC, each over data that is in the page
cache, and reads each back through the page cache and directly. START is the partition's first
sector. LOG gets a line "SECTOR SECTORS" for every write, to compare with the device's trace.
"""
import mmap
import os
import random
import sys

RWF_ATOMIC = 0x40
SECTOR = 512


def read_direct(fd, offset, length):
    buffer = mmap.mmap(-1, length)
    os.preadv(fd, [buffer], offset)
    return bytes(buffer)


def main(device, count, unit_min, unit_max, start, log):
    sizes = [1 << n for n in range(12, 20) if unit_min <= 1 << n <= unit_max] or [unit_min]
    direct = os.open(device, os.O_RDWR | os.O_DIRECT)
    cached = os.open(device, os.O_RDONLY)
    end = os.lseek(cached, 0, os.SEEK_END)
    with open(log, "w") as lines:
        for number in range(count):
            length = random.choice(sizes)
            offset = random.randrange(end // length) * length
            os.pread(cached, length, offset)
            buffer = mmap.mmap(-1, length)
            data = random.randbytes(length)
            buffer[:] = data
            written = os.pwritev(direct, [buffer], offset, RWF_ATOMIC)
            assert written == length, f"{written} of {length} written"
            assert os.pread(cached, length, offset) == data, f"write {number}: stale cache"
            assert read_direct(direct, offset, length) == data, f"write {number}: not on disk"
            lines.write(f"{start + offset // SECTOR} {length // SECTOR}\n")
    print(f"{count} writes of {unit_min} to {unit_max} bytes read back equal")


if __name__ == "__main__":
    random.seed(20261123)
    main(sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6])
