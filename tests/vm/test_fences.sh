#!/bin/bash
# SPDX-License-Identifier: MIT
# Changes to a disk between two atomic writes (fences.c): first natively, as the measure; then under the shim, by
# command on a native kernel, and on kernels without atomic writes.
set -eu
. tests/vm/lib.sh

run() { # KERNEL COMMAND...
	echo "kernel $1, ${*:2}"
	vm -k "$1" -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- \
		"${*:2} build/tests/vm/fences /dev/nvme0n1" | sed 's/^/    /'
}
run_scsi() { # KERNEL COMMAND...
	echo "kernel $1, SCSI, ${*:2}"
	vm -k "$1" -- ". tests/vm/guest_scsi.sh; scsi_target_start max=32 &&
		${*:2} build/tests/vm/fences \$DISK" | sed 's/^/    /'
}
set -o pipefail
run 7 env
run 7 build/untorn run --mode=command --
run 6.1 build/untorn run --
run 5.10 build/untorn run --
run_scsi 7 env
run_scsi 7 build/untorn run --mode=command --
run_scsi 6.1 build/untorn run --
run_scsi 5.10 build/untorn run --
