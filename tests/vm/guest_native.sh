#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, on a kernel with RWF_ATOMIC: tests which lane a write takes, the kernel or one command. AWUPF is 31
# on one disk, NAWUPF on the other. $NATIVE_UNIT is the unit of the kernel itself on the first.
set -eu
. tests/vm/guest_lib.sh
untorn=build/untorn

awupf=$(disk d0) nawupf=$(disk d1)

# Writes this length; prints the result or errno, and the lane that strace sees: "command" or "kernel".
way() { # DEVICE LENGTH UNTORN-OPTION...
	strace -f -o /tmp/trace "$untorn" run "${@:3}" -- python3 -c "
import mmap, os
fd = os.open('$1', os.O_RDWR | os.O_DIRECT)
data = mmap.mmap(-1, $2); data[:] = os.urandom($2)
try: written = os.pwritev(fd, [data], 0, 0x40)
except OSError as e: written = e.errno
if written == $2: assert os.pread(os.open('$1', os.O_RDONLY), $2, 0) == data[:]
print(written, end=' ')"
	if grep -qE 'ioctl\([0-9]+, (NVME_IOCTL_SUBMIT_IO|_IOC\(_IOC_WRITE, 0x4e, 0x42)' /tmp/trace; then
		echo command
	else
		echo kernel
	fi
}
expect() { [ "$2" = "$3" ] || { echo "$(uname -r), $1: $2, not $3"; exit 1; }; }

# Writes 16 KiB whose second half is not mapped. Prints the outcome and what is then on the disk of the old 16 KiB.
unmapped() { # DEVICE UNTORN-OPTION...
	"$untorn" run "${@:2}" -- python3 -c "
import ctypes, mmap, os
fd = os.open('$1', os.O_RDWR | os.O_DIRECT)
data = mmap.mmap(-1, 32768); data[:] = b'o' * 32768
assert os.pwritev(fd, [memoryview(data)[:16384]], 0, 0x40) == 16384
data[:] = b'n' * 32768
libc = ctypes.CDLL(None, use_errno=True)
address = ctypes.addressof(ctypes.c_char.from_buffer(data))
assert libc.munmap(ctypes.c_void_p(address + 8192), ctypes.c_size_t(8192)) == 0
vector = (ctypes.c_size_t * 2)(address, 16384)
written = libc.pwritev2(fd, vector, 1, ctypes.c_long(0), 0x40)
fd = os.open('$1', os.O_RDONLY)
print(written if written >= 0 else os.strerror(ctypes.get_errno()), os.pread(fd, 16384, 0).count(b'n'), 'new', flush=True)
os._exit(0)"
}
expect "unmapped, command" "$(unmapped "$nawupf" --mode=command)" "Bad address 0 new"
# A gap of the kernel's own, which libuntorn(7) describes. If this fails, Linux has closed it.
expect "unmapped, native" "$(unmapped "$nawupf" --mode=off)" "8192 8192 new"
expect "unmapped, auto" "$(unmapped "$nawupf")" "8192 8192 new"
expect "NAWUPF, auto" "$(way "$nawupf" 16384)" "16384 kernel"
expect "NAWUPF, command" "$(way "$nawupf" 16384 --mode=command)" "16384 command"
expect "NAWUPF, off" "$(way "$nawupf" 16384 --mode=off)" "16384 kernel"
expect "NAWUPF, too long" "$(way "$nawupf" 32768)" "22 kernel"
expect "NAWUPF, command, too long" "$(way "$nawupf" 32768 --mode=command)" "22 kernel"
if [ "$NATIVE_UNIT" = 16384 ]; then
	expect "AWUPF, auto" "$(way "$awupf" 16384)" "16384 kernel"
	expect "AWUPF, controller" "$(way "$awupf" 16384 --nvme-limits=controller)" "16384 kernel"
else
	expect "AWUPF, auto" "$(way "$awupf" 16384)" "22 kernel"
	expect "AWUPF, controller" "$(way "$awupf" 16384 --nvme-limits=controller)" "16384 command"
	expect "AWUPF, one block" "$(way "$awupf" 512)" "512 kernel"
fi
