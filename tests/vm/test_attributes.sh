#!/bin/bash
# SPDX-License-Identifier: MIT
# The files /sys/block/*/queue/atomic_write_* (guest_attributes.sh): under the shim on kernels without them; on
# kernels with them by command, with the writes left to the kernel, and natively. test_statx.sh shows that the values
# are a native kernel's. UNTORN_KERNELS: the kernels with the files (7; for instance "6.12 7").
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
