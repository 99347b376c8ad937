#!/bin/bash
# SPDX-License-Identifier: MIT
# Unmodified fio and xfs_io on kernels without RWF_ATOMIC: see guest_clients.sh.
set -eu
. tests/vm/lib.sh

for kernel in 5.10 6.1; do
	vm -k $kernel -c -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- \
		bash tests/vm/guest_clients.sh
	echo "kernel $kernel: fio and xfs_io done"
done
