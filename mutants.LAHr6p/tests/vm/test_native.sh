#!/bin/bash
# SPDX-License-Identifier: MIT
# Where the kernel can do it, the shim steps aside; where it can do less than the device promises
# (7.x ignores AWUPF), it does not.
set -eu
. tests/vm/lib.sh

for kernel in 6.18 7; do
	unit=16384
	[ $kernel = 6.18 ] || unit=512
	vm -k $kernel -c -d "64M;atomic.awun=31,atomic.awupf=31" \
		-d "64M;;atomic.nawun=31,atomic.nawupf=31" -- \
		"NATIVE_UNIT=$unit bash tests/vm/guest_native.sh"
	echo "kernel $kernel: native where it can be, a command where it must be"
done
