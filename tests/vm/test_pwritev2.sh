#!/bin/bash
# SPDX-License-Identifier: MIT
# On kernels without RWF_ATOMIC: an unmodified program's atomic writes to an NVMe disk and to a partition. Without
# the shim the kernel refuses them. Under the shim each must be one Write command of exactly those blocks in QEMU's
# trace of the device.
set -eu
. tests/vm/lib.sh

for kernel in 5.10 6.1; do
	out=$(scratch)
	vm -k $kernel -c -T -o "$out" -d "64M;;atomic.nawun=31,atomic.nawupf=31" \
		-d "64M;;atomic.nawun=31,atomic.nawupf=31" -- bash tests/vm/guest_pwritev2.sh
	commands "$out/trace" > "$out/sent"
	cat "$out"/[012].log > "$out/wanted"
	diff "$out/wanted" "$out/sent" > "$out/diff" || { head "$out/diff"; exit 1; }
	echo "kernel $kernel: $(wc -l < "$out/sent") calls, the same $(wc -l < "$out/wanted") Write commands"
done
