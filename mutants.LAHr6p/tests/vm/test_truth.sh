#!/bin/bash
# SPDX-License-Identifier: MIT
# The same calls natively (6.12, 7.x) and through the shim, on the same kernels by command and on
# 5.10 and 6.1: every answer and every byte must be equal. First the fixed matrix (all pairs of
# values), for units of 16 and 256 KiB, then random calls: UNTORN_TRUTH_CALLS of them (1000), from
# UNTORN_TRUTH_SEED (1), on a whole disk and on a partition.
set -eu
. tests/vm/lib.sh

calls=${UNTORN_TRUTH_CALLS:-1000} seed=${UNTORN_TRUTH_SEED:-1}
out=$(scratch)

run() { # KERNEL OUTPUT COMMAND...
	vm -k "$1" -t 3000 -o "$out" -d "16M;;atomic.nawun=31,atomic.nawupf=31" \
		-d "64M;;atomic.nawun=511,atomic.nawupf=511" -- "
		set -eu
		. tests/vm/guest_lib.sh
		disk=\$(disk d0)
		truth='${*:3} build/tests/vm/truth'
		\$truth \$disk 16384 0 0 > \$OUT/$2
		\$truth \$(disk d1) 262144 0 0 >> \$OUT/$2
		build/tests/vm/addpart \$disk 1 2056 16400
		\$truth \$disk 16384 $seed $calls >> \$OUT/$2
		\$truth \${disk}p1 16384 $((seed + 1)) $calls >> \$OUT/$2"
	[ "$(wc -l < "$out/$2")" = $((2 * 2105 + 2 * calls)) ] || { echo "$2: not all calls"; exit 1; }
}

run 7 native-7 env
run 6.12 native-6.12 env
same native-7 native-6.12
run 6.1 shim-6.1 build/untorn run --
run 5.10 shim-5.10 build/untorn run --
run 6.12 command-6.12 build/untorn run --mode=command --
run 7 command-7 build/untorn run --mode=command --
for shim in shim-6.1 shim-5.10 command-6.12 command-7; do same native-7 $shim; done
echo "$(wc -l < "$out/native-7") calls on each of 4 kernels: no difference"
