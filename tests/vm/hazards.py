#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""hazards.py FORMATTED FIRST SECOND LOOP FILE: changes that an administrator may make to an NVMe disk
between two atomic writes of a program that keeps it open, and while it writes.

FORMATTED is a disk of QEMU's, unit 32 blocks. FIRST, SECOND and LOOP stand one after the other behind
a namespace of the kernel's own target: their units are 16 KiB, 4 KiB and a block; LOOP is over FILE.
Runs natively and under the shim alike, in a guest. Each printed line is a hazard that did no harm.
"""
import errno
import fcntl
import glob
import mmap
import os
import re
import struct
import subprocess
import sys
import threading
import time

KIB = 1024
BLKSSZGET, BLKFLSBUF = 0x1268, 0x1261
NVME_IOCTL_ADMIN_CMD, FORMAT_NVM = 0xC0484E41, 0x80
NAMESPACE = "/sys/kernel/config/nvmet/subsystems/untorn/namespaces/1/"


def memory(letter, length):
    buffer = mmap.mmap(-1, length)
    buffer[:] = letter * length
    return buffer


def write(fd, letter, offset, length=16 * KIB):
    """Returns the number of bytes, or the name of the error."""
    try:
        return os.pwritev(fd, [memory(letter, length)], offset, 0x40)
    except OSError as e:
        return errno.errorcode[e.errno]


def read(path, offset, length=16 * KIB):
    """Reads directly, past every cache; returns the letters that are there."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    buffer = mmap.mmap(-1, length)
    os.preadv(fd, [buffer], offset)
    os.close(fd)
    return "".join(sorted(chr(byte) for byte in set(buffer[:])))


def open_direct(path):
    return os.open(path, os.O_RDWR | os.O_DIRECT)


def expect(seen, *wanted):
    if seen not in wanted:
        sys.exit(f"line {sys._getframe(1).f_lineno}: {seen!r}, not {' or '.join(map(repr, wanted))}")


def await_that(condition):
    for _ in range(1000):
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.02)
    sys.exit(f"line {sys._getframe(1).f_lineno}: waited in vain")


def await_disk(controller):
    """The path of the disk that a controller has just got: it may have any name."""
    found = []

    def is_there():
        found[:] = glob.glob(controller + "/nvme*n*")
        return found and os.close(open_direct("/dev/" + os.path.basename(found[0]))) is None

    await_that(is_there)
    return "/dev/" + os.path.basename(found[0])


def put(path, text):
    with open(path, "w") as file:
        file.write(text)


# FORMATTED


def block_size(fd):
    return struct.unpack("i", fcntl.ioctl(fd, BLKSSZGET, b"\0" * 4))[0]


def format_nvm(fd, lbaf, protection=0, extended=0):
    """QEMU's formats: 0 and 4 have 512 and 4096 bytes without metadata, 1 and 5 with 8 bytes."""
    command = struct.pack("<B3xI8xQQIIIIIIIIII", FORMAT_NVM, 1, 0, 0, 0, 0,
                          lbaf | extended << 4 | protection << 5, 0, 0, 0, 0, 0, 0, 0)
    fcntl.ioctl(fd, NVME_IOCTL_ADMIN_CMD, command)
    await_that(lambda: block_size(fd) == (4096 if lbaf >= 4 else 512))
    time.sleep(1.1)  # the shim may believe all but the block size for a second


def formatted(path):
    """LBA = offset / block size: with a stale size the data lands eight times too far, or too near."""
    fd = open_direct(path)
    expect(write(fd, b"a", 48 * KIB), 16 * KIB)
    format_nvm(fd, 4)
    expect(write(fd, b"b", 48 * KIB), 16 * KIB)
    expect(read(path, 48 * KIB), "b")
    expect(read(path, 8 * 48 * KIB), "\0")
    expect(write(fd, b"c", 512, 512), "EINVAL")
    expect(write(fd, b"d", 128 * KIB, 128 * KIB), 128 * KIB)  # 32 blocks of this size
    format_nvm(fd, 0)
    expect(write(fd, b"e", 0, 128 * KIB), "EINVAL")
    expect(write(fd, b"f", 48 * KIB), 16 * KIB)
    expect(read(path, 48 * KIB), "f")
    expect(read(path, 6 * KIB, 4 * KIB), "\0")
    os.close(fd)
    print("formatted to other blocks under an open descriptor")


def formatted_with_metadata(path):
    """The block size stays the same, but a plain command now lacks the metadata that the format wants."""
    fd = open_direct(path)
    for lbaf, protection, extended in ((1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)):
        format_nvm(fd, 0)
        await_that(lambda: write(fd, b"g", 16 * KIB) == 16 * KIB)
        format_nvm(fd, lbaf, protection, extended)
        if write(fd, b"h", 32 * KIB) == 16 * KIB:
            expect(read(path, 32 * KIB), "h")  # this read fails if the tags do not fit the data
    format_nvm(fd, 0)
    await_that(lambda: write(fd, b"i", 32 * KIB) == 16 * KIB)
    os.close(fd)
    print("formatted with metadata under an open descriptor")


def writing_while(path, act, seconds=1.0):
    """Four threads write; returns each one's last successful letter, and those that failed after it."""
    stop, told = threading.Event(), [[b"", []] for _ in range(4)]

    def work(number):
        fd = open_direct(path)
        letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        i = 0
        while not stop.is_set():
            letter = letters[i % 26:i % 26 + 1]
            i += 1
            if write(fd, letter, number * 16 * KIB) == 16 * KIB:
                told[number] = [letter, []]
            else:
                told[number][1].append(letter)
                time.sleep(0.01)
        os.close(fd)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    act()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return told


def check_told(path, told):
    for number, (done, tried) in enumerate(told):
        there = read(path, number * 16 * KIB)
        expect(there in [letter.decode() for letter in [done, *tried]], True)
        expect(done != b"", True)


def controller_of(path):
    return os.path.realpath(f"/sys/block/{os.path.basename(path)}/device/device")


def reset(path):
    controller = glob.glob(controller_of(path) + "/nvme/nvme*")[0]
    check_told(path, writing_while(path, lambda: put(controller + "/reset_controller", "1")))
    fd = open_direct(path)
    await_that(lambda: write(fd, b"r", 0) == 16 * KIB)
    print("controller reset in mid-write")


def removed(path):
    """The disk may come back under another name: it is found by its controller."""
    device = controller_of(path)
    old = open_direct(path)
    expect(write(old, b"o", 256 * KIB), 16 * KIB)
    told = writing_while(path, lambda: put(device + "/remove", "1"))
    expect(isinstance(write(old, b"p", 256 * KIB), str), True)
    put("/sys/bus/pci/rescan", "1")
    path = await_disk(device + "/nvme/nvme*")
    expect(isinstance(write(old, b"q", 256 * KIB), str), True)
    check_told(path, told)
    expect(read(path, 256 * KIB), "o")
    new = open_direct(path)
    expect(write(new, b"s", 256 * KIB), 16 * KIB)
    expect(read(path, 256 * KIB), "s")
    print("controller removed in mid-write, and back")


# EXCHANGED


def exporting_controller():
    return os.path.dirname([path for path in glob.glob("/sys/class/nvme/*/subsysnqn")
                            if open(path).read() == "untorn\n"][0])


def exported():
    """The path of the disk of the kernel's own target, under any name; None while there is none."""
    found = [os.path.basename(path) for path in glob.glob(exporting_controller() + "/nvme*n*")]
    return "/dev/" + re.sub(r"c\d+", "", found[0]) if found else None


def enable(value):
    """The driver may miss one of two changes in quick succession: so tell it to look."""
    put(NAMESPACE + "enable", value)
    put(exporting_controller() + "/rescan_controller", "1")


def stand_behind(device):
    enable("0")
    await_that(lambda: not exported())
    put(NAMESPACE + "device_path", device)
    enable("1")
    await_that(exported)
    await_that(lambda: os.close(open_direct(exported())) is None)
    return exported()


def exchanged(first, second):
    """Another disk, whose unit is 4 KiB, takes the place of one that a program still has open."""
    old = open_direct(stand_behind(first))
    # While the driver still adds the disk, its attributes contradict each other.
    await_that(lambda: write(old, b"a", 0) == 16 * KIB)
    new = open_direct(stand_behind(second))
    expect(isinstance(write(old, b"b", 0), str), True)
    expect(write(new, b"c", 0), "EINVAL")
    expect(write(new, b"d", 0, 4 * KIB), 4 * KIB)
    expect(isinstance(write(old, b"e", 0, 4 * KIB), str), True)
    expect(read(second, 0, 4 * KIB), "d")
    expect(read(first, 0), "a")
    os.close(old)
    os.close(new)
    print("exchanged for another disk, the old one still open")


def exchanged_under_its_name(first, second):
    names = set()  # the driver gives the next disk another device number before it reuses one
    for device, unit in ((first, 16 * KIB), (second, 4 * KIB)) * 3:
        path = stand_behind(device)
        names.add(path)
        fd = open_direct(path)
        expect(write(fd, b"f", 32 * KIB, 2 * unit), "EINVAL")
        expect(write(fd, b"g", 32 * KIB, unit), unit)
        expect(read(device, 32 * KIB, unit), "g")
        os.close(fd)
    expect(len(names), 1)
    print("exchanged back and forth under the same name")


def resized(loop, file):
    path = stand_behind(loop)
    fd, size = open_direct(path), os.path.getsize(file)
    unit = block_size(fd)
    expect(write(fd, b"a", size - unit, unit), unit)
    expect(write(fd, b"b", size, unit), "ENOSPC")
    for now in (size // 2, size * 2):
        os.truncate(file, now)
        subprocess.run(["losetup", "-c", loop], check=True)
        put(NAMESPACE + "revalidate_size", "1")
        await_that(lambda: os.lseek(fd, 0, os.SEEK_END) == now)
        expect(write(fd, b"c", now - unit, unit), unit)
        expect(read(path, now - unit, unit), "c")
        expect(write(fd, b"d", now, unit), "ENOSPC")
    os.close(fd)
    print("resized under an open descriptor")


formatted(sys.argv[1])
formatted_with_metadata(sys.argv[1])
if os.uname().release.startswith("5.10."):  # plain writes alone cause this
    print("controller reset in mid-write: left out, for this driver loses QEMU's controller by it")
else:
    reset(sys.argv[1])
removed(sys.argv[1])
exchanged(*sys.argv[2:4])
exchanged_under_its_name(*sys.argv[2:4])
resized(*sys.argv[4:6])
