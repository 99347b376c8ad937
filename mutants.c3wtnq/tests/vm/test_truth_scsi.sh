#!/bin/bash
# SPDX-License-Identifier: MIT
# As test_truth.sh, for SCSI: a disk of the user-space target, natively on 7.x and 6.12 and through
# the shim, on 5.10 and 6.1 and by command on the same kernels.
set -eu
. tests/vm/lib.sh

calls=${UNTORN_TRUTH_CALLS:-300} seed=${UNTORN_TRUTH_SEED:-1}
out=$(scratch)

run() { # KERNEL OUTPUT COMMAND...
	vm -k "$1" -t 3000 -o "$out" -- "
		set -eu
		. tests/vm/guest_scsi.sh
		scsi_target_start max=32
		truth='${*:3} build/tests/vm/truth'
		\$truth \$DISK 16384 0 0 > \$OUT/$2
		build/tests/vm/addpart \$DISK 1 2056 16400
		await test -b \${DISK}1
		\$truth \$DISK 16384 $seed $calls >> \$OUT/$2
		\$truth \${DISK}1 16384 $((seed + 1)) $calls >> \$OUT/$2"
	[ "$(wc -l < "$out/$2")" = $((2105 + 2 * calls)) ] || { echo "$2: not all calls"; exit 1; }
}

run 7 native-7 env
run 6.12 native-6.12 env
same native-7 native-6.12
run 6.1 shim-6.1 build/untorn run --
run 5.10 shim-5.10 build/untorn run --
run 7 command-7 build/untorn run --mode=command --
for shim in shim-6.1 shim-5.10 command-7; do same native-7 $shim; done
echo "$(wc -l < "$out/native-7") calls on each of 3 kernels: no difference"
