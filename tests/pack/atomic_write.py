#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""atomic_write.py DISK OFFSET LENGTH [stay]: makes one atomic write and prints its result; stays if told to."""
import os
import signal
import sys

disk, offset, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
fd = os.open(disk, os.O_RDWR | os.O_DIRECT)
try:
    print(os.pwritev(fd, [b"a" * length], offset, 0x40), flush=True)  # RWF_ATOMIC
except OSError as error:
    print(error.strerror, flush=True)
if "stay" in sys.argv:
    signal.pause()
