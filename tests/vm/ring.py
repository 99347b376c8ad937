#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""io_uring by system calls alone: ring.py DEVICE COUNT DEPTH

COUNT atomic writes of 512 to 16384 bytes, DEPTH at a time, each to a place of its own; then
everything is read back. Prints "SECTOR SECTORS" of each.
"""
import ctypes
import os
import struct
import sys

SETUP, ENTER, WRITE, GETEVENTS, RWF_ATOMIC, UNIT = 425, 426, 23, 1, 0x40, 16384
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long]
libc.syscall.restype = ctypes.c_long


def call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    assert result >= 0, os.strerror(ctypes.get_errno())
    return result


def mapped(size, fd=-1, offset=0):
    shared, private_anonymous = 1, 0x22
    address = libc.mmap(None, size, 3, shared if fd >= 0 else private_anonymous, fd, offset)
    assert address != ctypes.c_void_p(-1).value
    return address


def word(address):
    return ctypes.c_uint32.from_address(address)


class Ring:
    def __init__(self, entries):
        params = (ctypes.c_uint32 * 30)()
        self.fd = call(SETUP, entries, ctypes.addressof(params))
        sq, cq = params[10:20], params[20:30]
        size = max(sq[6] + params[0] * 4, cq[5] + params[1] * 16)
        rings = mapped(size, self.fd)
        self.sqes = mapped(params[0] * 64, self.fd, 0x10000000)
        self.sq_tail, self.sq_mask = word(rings + sq[1]), word(rings + sq[2]).value
        self.array = rings + sq[6]
        self.cq_head, self.cq_tail = word(rings + cq[0]), word(rings + cq[1])
        self.cq_mask, self.cqes = word(rings + cq[2]).value, rings + cq[5]

    def prepare(self, fd, address, length, offset, tag):
        slot = self.sq_tail.value & self.sq_mask
        entry = struct.pack("<BBHiQQIiQ", WRITE, 0, 0, fd, offset, address, length, RWF_ATOMIC, tag)
        ctypes.memmove(self.sqes + slot * 64, entry.ljust(64, b"\0"), 64)
        word(self.array + slot * 4).value = slot
        self.sq_tail.value += 1

    def completions(self):
        while self.cq_head.value != self.cq_tail.value:
            place = self.cqes + (self.cq_head.value & self.cq_mask) * 16
            tag, result, _ = struct.unpack("<QiI", ctypes.string_at(place, 16))
            self.cq_head.value += 1
            yield tag, result


def main(device, count, depth):
    fd = os.open(device, os.O_RDWR | os.O_DIRECT)
    ring = Ring(64)
    memory = mapped(depth * UNIT)
    free, under_way, begun = list(range(depth)), {}, 0
    while begun < count or under_way:
        prepared = 0
        while free and begun < count:
            place, length = free.pop(), 512 << begun % 6
            ctypes.memset(memory + place * UNIT, ord("a") + begun % 26, length)
            ring.prepare(fd, memory + place * UNIT, length, begun * UNIT, begun)
            under_way[begun] = place
            begun += 1
            prepared += 1
        assert call(ENTER, ring.fd, prepared, 1, GETEVENTS, 0, 0) == prepared
        for number, result in ring.completions():
            assert result == 512 << number % 6, (number, result)
            print(number * UNIT // 512, result // 512)
            free.append(under_way.pop(number))
    with open(device, "rb") as back:
        for number in range(count):
            back.seek(number * UNIT)
            length = 512 << number % 6
            assert back.read(length) == bytes([ord("a") + number % 26]) * length


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
