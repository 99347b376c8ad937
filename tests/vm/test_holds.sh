#!/bin/bash
# SPDX-License-Identifier: MIT
# holds.c on real kernels: what an open file on a disk pins, natively; and how long the shim keeps a hold, also
# without /proc, where a hold shares the program's open file. UNTORN_HOLD_KERNELS: on which kernels.
set -eu -o pipefail
. tests/vm/lib.sh

for kernel in ${UNTORN_HOLD_KERNELS:-5.10 6.1 6.12 7}; do
	echo "kernel $kernel"
	vm -k "$kernel" -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- "
		set -eu
		. tests/vm/guest_lib.sh
		. tests/vm/guest_scsi.sh
		load loop
		export UNTORN_MODE=command
		build/untorn run -- build/tests/vm/holds life \$(disk d0)
		echo 'without /proc:'
		build/untorn run -- unshare -m sh -c 'umount -l /proc; exec build/tests/vm/holds life \$0 briefly' \$(disk d0)
		echo 'natively:'
		build/tests/vm/holds pins \$(disk d0)" | sed -u 's/^/    /'
done
