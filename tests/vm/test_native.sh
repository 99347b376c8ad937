#!/bin/bash
# SPDX-License-Identifier: MIT
# On kernels with RWF_ATOMIC the shim must leave a write to the kernel where the kernel can do it, and send a command
# where the kernel's limits are below the device's (7.x ignores AWUPF). See guest_native.sh.
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
