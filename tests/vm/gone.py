#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gone.py NODE START: atomic writes to a disk, or to a partition that starts at byte START of it.
The disk is removed and comes back under another name.

Prints "delete" and "scan" to ask guest_take_away.sh for that, and reads a line after each: the second
has the whole disk's new name. Then prints the outcome of each write.
"""
import mmap
import os
import sys

LENGTH = 16384


def write(fd, letter):
    buffer = mmap.mmap(-1, LENGTH)
    buffer[:] = letter * LENGTH
    try:
        return os.pwritev(fd, [buffer], 0, 0x40)
    except OSError:
        return "refused"


def ask_for(what):
    print(what, flush=True)
    return sys.stdin.readline().strip()


old = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
print("before:", write(old, b"a"))
ask_for("delete")
print("away:", write(old, b"b"))
disk = ask_for("scan")
print("back:", write(old, b"c"))
new = os.open(disk, os.O_RDWR | os.O_DIRECT)
print("there:", os.pread(os.open(disk, os.O_RDONLY), 1, int(sys.argv[2])).decode())
print("anew:", write(new, b"d"))
