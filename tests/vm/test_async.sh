#!/bin/bash
# SPDX-License-Identifier: MIT
# Asynchronous atomic writes of unmodified programs (guest_async.sh), on kernels without atomic writes, and by
# command on kernels with them. Each must be one Write command in QEMU's trace of an NVMe disk, or one WRITE
# ATOMIC (16) in the log of a SCSI disk.
set -eu
. tests/vm/lib.sh

# A second build of the liburing program, against sid's liburing instead of this machine's.
status=0
sid=$(tests/vm/fetch.sh tree sid liburing-dev liburing2) || status=$?
[ $status = 0 ] || [ $status = 77 ] || exit $status
if [ -n "$sid" ]; then
	mkdir -p build/tests/vm/sid/include
	# liburing's headers need sid's kernel headers; the C library's are this machine's.
	cp -r "$sid"/usr/include/{liburing*,linux,asm-generic} "$sid"/usr/include/*/asm build/tests/vm/sid/include/
	cp -L "$sid"/usr/lib/*/liburing.so.2 build/tests/vm/sid/
	${CC:-gcc} -D_GNU_SOURCE -Iinclude -w -Ibuild/tests/vm/sid/include -o build/tests/vm/sid/ring_random \
		tests/vm/ring_random.c build/tests/vm/sid/liburing.so.2
else
	rm -rf build/tests/vm/sid
fi

run() { # KERNEL COMMAND...
	out=$(scratch)
	vm -k "$1" -c -t 400 -T -o "$out" -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- \
		"bash tests/vm/guest_async.sh /dev/nvme0n1 ${*:2}"
	commands "$out/trace" > "$out/sent"
	check "$1"
	check_way "$1"
}
run_scsi() { # KERNEL COMMAND...
	out=$(scratch)
	vm -k "$1" -c -t 400 -o "$out" -- "set -eu; . tests/vm/guest_scsi.sh; scsi_target_start max=32
		bash tests/vm/guest_async.sh \$DISK ${*:2}; cp \$TARGET_LOG \$OUT/log"
	sed -nE 's/^opcode=9c lba=([0-9]+) blocks=([0-9]+) .*/\1 \2/p' "$out/log" > "$out/sent"
	check "$1, SCSI"
}
check() { # LABEL
	# First 3 times 512 writes of fio's, of a whole unit each; then those of the other programs.
	[ "$(head -n 1536 "$out/sent" | grep -c ' 32$')" = 1536 ] || { head "$out/sent"; exit 1; }
	diff <(sort "$out/wanted") <(tail -n +1537 "$out/sent" | sort) > "$out/diff" ||
		{ head "$out/diff"; echo "kernel $1: commands (>) are not the calls (<)"; exit 1; }
	echo "kernel $1: $(wc -l < "$out/sent") asynchronous writes, as many commands"
}
# From Linux 5.19 on, the commands go to an NVMe disk by io_uring; before, each takes an ioctl, N 0x42 or 0x43.
check_way() { # KERNEL
	local ioctls wanted=0
	ioctls=$(grep -cE 'NVME_IOCTL_(SUBMIT_IO|IO_CMD)|0x4e, 0x4[23],' "$out/ioctls" || true)
	[ "$1" != 5.10 ] || wanted=200
	[ "$ioctls" = $wanted ] || { echo "kernel $1: $ioctls writes by ioctl, not $wanted"; exit 1; }
}
run_scsi 6.1 build/untorn run --
run 6.1 build/untorn run --
run 5.10 build/untorn run --
run 6.12 build/untorn run --mode=command --
run 7 build/untorn run --mode=command --
[ -n "$sid" ] || { echo "SKIP: all is well but the program for sid's liburing, which this mirror has not"; exit 77; }
