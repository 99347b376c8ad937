#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, on a kernel with RWF_ATOMIC: which way does a write go? AWUPF is 31 on one disk,
# NAWUPF on the other; $NATIVE_UNIT says what the kernel itself can do on the first.
set -eu
. tests/vm/guest_lib.sh
untorn=build/untorn

awupf=$(disk d0) nawupf=$(disk d1)

# "command" or "kernel", as strace sees it, and the result of a write of this length.
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
