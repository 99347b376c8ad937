#!/bin/bash
# SPDX-License-Identifier: MIT
# On kernels without RWF_ATOMIC, an unmodified program's atomic writes on an NVMe disk and on a
# partition: refused without the shim; under it each is one Write command of exactly those blocks,
# as QEMU's trace of the device shows.
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
