#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, in the tree of client programs: guest_async.sh DISK COMMAND... runs fio's libaio engine, a
# liburing program, and scripts that make the system calls themselves, all through COMMAND (untorn run).
# $OUT/wanted gets a line "SECTOR SECTORS" for each write except fio's. $OUT/ioctls gets the ioctls of one run of
# 200 writes.
set -eu
disk=$1
shift

for depth in 1 8 32; do
	"$@" fio --name=atomic --filename="$disk" --ioengine=libaio --atomic=1 --direct=1 --bs=16k \
		--iodepth=$depth --rw=randwrite --verify=crc32c --size=8M --output-format=terse \
		--output="$OUT/fio"
	[ "$(cut -d';' -f5 "$OUT/fio")" = 0 ] || { echo "fio: $(cat "$OUT/fio")"; exit 1; }
done
# This tree's C library can run the program with the tree's liburing, and the one built with sid's liburing.
for depth in 1 8 32; do
	"$@" build/tests/vm/ring_random "$disk" 500 $depth >> "$OUT/wanted"
	[ -d build/tests/vm/sid ] || continue
	layouts=('')
	[ "$(uname -r | cut -d. -f1)" -lt 7 ] || layouts+=(rewind mixed) # liburing 2.14's, Linux 6.19
	for layout in "${layouts[@]}"; do
		LD_LIBRARY_PATH=build/tests/vm/sid "$@" build/tests/vm/sid/ring_random "$disk" 100 $depth \
			${layout:+"$layout"} >> "$OUT/wanted"
	done
done
# test_async.sh finds out from this trace whether the commands go by ioctl.
strace -f -e trace=ioctl -o "$OUT/ioctls" "$@" build/tests/vm/ring_random "$disk" 200 8 >> "$OUT/wanted"
# Without a library: io_uring and libaio by system calls.
for depth in 1 8; do
	"$@" python3 tests/vm/ring.py "$disk" 240 $depth >> "$OUT/wanted"
done
"$@" perl tests/vm/aio.pl "$disk" 240 >> "$OUT/wanted"
