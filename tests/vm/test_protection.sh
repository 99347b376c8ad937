#!/bin/bash
# SPDX-License-Identifier: MIT
# Namespaces with protection information, on kernels without atomic writes: a program writes under the shim and reads
# each write back by plain reads, for which the kernel checks the guard and reference tags. A plain passthrough
# write would succeed, but every later read of it would fail.
set -eu
. tests/vm/lib.sh

for kernel in 5.10 6.1; do
	for type in 1 3; do
		vm -k $kernel -c -d "64M;;ms=8,pi=$type,atomic.nawun=31,atomic.nawupf=31" -- \
			build/untorn run -- python3 tests/vm/write_random.py /dev/nvme0n1 200 512 16384 0 /dev/null
		echo "kernel $kernel: protection type $type, 200 writes read back natively"
	done
done
