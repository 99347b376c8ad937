#!/bin/bash
# SPDX-License-Identifier: MIT
# Device rules: random writes of any whole number of blocks, at any block, through each door. A write within the unit
# and the boundary must be one Write command of exactly those blocks; the shim must refuse the others. On a kernel
# with atomic writes, only the writes that it would refuse go by command.
#
# UNTORN_WRITES: how many (5000)
set -eu
. tests/vm/lib.sh
writes=${UNTORN_WRITES:-5000}

random_writes() { # KERNEL MODE
	local out
	out=$(scratch)
	vm -k "$1" -T -t 900 -o "$out" -d '64M;;atomic.nawun=31,atomic.nawupf=31,atomic.nabsn=63,atomic.nabspf=63' -- \
		"UNTORN_MODE=$2 UNTORN_RULES=device LD_PRELOAD=$PWD/build/libuntorn.so build/tests/vm/rules /dev/nvme0n1 $writes > \$OUT/wanted"
	commands "$out/trace" > "$out/sent"
	cmp "$out/wanted" "$out/sent" || { diff "$out/wanted" "$out/sent" | head; exit 1; }
	echo "kernel $1: $writes writes, $(wc -l < "$out/sent") promised, each one command at its place; the others refused"
}
random_writes 6.1 auto

# A storage engine with a static liburing, as an ordinary user, who may not ask the disk.
engine() {
	local out
	out=$(scratch)
	vm -k 6.1 -T -o "$out" -d '64M;;atomic.nawun=255,atomic.nawupf=255' -- "
		chmod 666 /dev/nvme0n1 /dev/ng0n1
		engine() { setpriv --reuid=65534 --regid=65534 --clear-groups build/untorn run --deep --rules=device -- build/tests/vm/store /dev/nvme0n1 200; }
		! engine > /tmp/said 2>&1 || { echo 'it writes atomically before the limits are published'; exit 1; }
		build/untorn publish /dev/nvme0n1 && engine > \$OUT/wanted"
	commands "$out/trace" | sort > "$out/sent"
	sort "$out/wanted" | cmp - "$out/sent" || { sort "$out/wanted" | diff - "$out/sent" | head; exit 1; }
	echo "kernel 6.1: $(wc -l < "$out/sent") writes of a storage engine, read back, as many commands"
}
engine

# Four writes on a kernel with atomic writes: it takes 2 of them, the other 2 go by command.
vm -k 7 -d '64M;;atomic.nawun=31,atomic.nawupf=31' -- "
	UNTORN_RULES=device LD_PRELOAD=$PWD/build/libuntorn.so UNTORN_LOG=debug python3 -c '
import os, mmap
disk = os.open(\"/dev/nvme0n1\", os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 16384)
for length, offset in (16384, 0), (12288, 0), (16384, 512), (8192, 8192):
    assert os.pwritev(disk, [memoryview(page)[:length]], offset, 0x40) == length' 2> /tmp/said
	cat /tmp/said
	[ \$(grep -c 'left to the kernel' /tmp/said) = 2 ] && [ \$(grep -c 'by command: done' /tmp/said) = 2 ]"
echo "kernel 7: what it takes is left to it, and the rest is commands"
