#!/bin/bash
# SPDX-License-Identifier: MIT
# As test_truth.sh, for SCSI: the same calls on a disk of the user-space target, natively on 7.x and through the
# shim, on 5.10 and 6.1 and by command on 7.x. Every answer and every byte must be equal. UNTORN_TRUTH_LONG=1: on
# 6.12 too.
set -eu
# shellcheck disable=SC2034
truth_default=6 # in a guest the target takes most of the time
. tests/vm/lib.sh

run() { # KERNEL OUTPUT CALLS CALLS COMMAND...
	vm -k "$1" -t $((600 + 4 * truth_seconds)) -o "$out" -- "
		set -eu
		. tests/vm/guest_scsi.sh
		. tests/vm/guest_truth.sh
		scsi_target_start max=32
		truth_matrix $2 \$DISK 16384 ${*:5}
		truth_random $2 \$DISK $truth_seed $3 $4 ${*:5}"
}

truth_native run
truth_shim run 6.1 shim-6.1 build/untorn run --
truth_shim run 5.10 shim-5.10 build/untorn run --
[ "$truth_long" = 0 ] || truth_shim run 6.12 command-6.12 build/untorn run --mode=command --
truth_shim run 7 command-7 build/untorn run --mode=command --
truth_said
