#!/bin/bash
# SPDX-License-Identifier: MIT
# The files /sys/block/*/queue/atomic_write_* under the shim, see guest_attributes.sh; where the kernel has
# them and does the writes itself, its own. That their values are a native kernel's is shown by test_statx.sh.
# UNTORN_KERNELS: which of these ("6.12 7").
set -eu
. tests/vm/lib.sh
disk='64M;;atomic.nawun=31,atomic.nawupf=31,atomic.nabsn=63,atomic.nabspf=63'
for kernel in 5.10 6.1; do
	vm -k $kernel -d "$disk" -- "bash tests/vm/guest_attributes.sh /dev/nvme0n1 build/untorn run --"
done
for kernel in ${UNTORN_KERNELS:-7}; do
	vm -k $kernel -d "$disk" -- "bash tests/vm/guest_attributes.sh /dev/nvme0n1 build/untorn run --mode=command -- &&
		bash tests/vm/guest_attributes.sh /dev/nvme0n1 build/untorn run -- &&
		bash tests/vm/guest_attributes.sh /dev/nvme0n1 env"
done
echo "found by each way, as statx() says, and as the writes do"
