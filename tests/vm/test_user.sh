#!/bin/bash
# SPDX-License-Identifier: MIT
# Atomic writes of an ordinary user, on kernels that let only root send Identify: see guest_user.sh.
set -eu
. tests/vm/lib.sh

for kernel in 5.10 6.1; do
	out=$(scratch)
	vm -k $kernel -c -o "$out" -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- \
		bash tests/vm/guest_user.sh
	echo "kernel $kernel: refused without published limits, done with them"
done
