#!/bin/bash
# SPDX-License-Identifier: MIT
# What an atomic write costs beside its command (fences.c): on a loop device of this machine whose
# commands take no time, if root runs it; and as a ratio to the bare ioctl on QEMU's NVMe disk, where
# everything is emulated, in guests. tests/bench/fences.sh BUILD-DIR
set -eu -o pipefail
build=$1
if [ "$(id -u)" = 0 ]; then
	file=$(mktemp)
	truncate -s 64M "$file"
	loop=$(losetup --show --direct-io=on -f "$file")
	echo "this machine, Linux $(uname -r), commands that take no time:"
	"$build/tests/bench/fences" "$loop" null || echo "not to be had"
	losetup -d "$loop"
	rm "$file"
fi
for kernel in 6.1 7; do
	echo "QEMU's NVMe disk under emulation, Linux $kernel:"
	tests/vm/vm -k $kernel -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- \
		"UNTORN_MODE=command $build/tests/bench/fences /dev/nvme0n1"
done
