#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the same calls natively (7.x) and through the shim, by command on 7.x, and on 5.10 and 6.1: every answer and
# every byte must be equal. First the fixed matrix (all pairs of values), then random calls on the disk and on a
# partition: as many as the first kernel does in UNTORN_TRUTH_SECONDS (8), from UNTORN_TRUTH_SEED (1). On 7.x and 6.1
# also random calls on a disk with a unit of 256 KiB. UNTORN_TRUTH_LONG=1 (make check-soak): more random calls, from
# another seed, on 6.12 too; on 6.1 the matrix and a quarter of them also under the shim's sanitized builds.
set -eu
. tests/vm/lib.sh

run() { # KERNEL OUTPUT CALLS CALLS COMMAND...
	local large=
	case $2 in native-7 | shim-6.1 | command-7) large="truth_large $2 \$(disk d1) 262144 $truth_seed 1000 ${*:5}" ;; esac
	vm -k "$1" -p nvme.poll_queues=1 -t $((600 + 4 * truth_seconds)) -o "$out" -d "16M;;atomic.nawun=31,atomic.nawupf=31" \
		-d "64M;;atomic.nawun=511,atomic.nawupf=511" -- "
		set -eu
		. tests/vm/guest_lib.sh
		. tests/vm/guest_truth.sh
		truth_matrix $2 \$(disk d0) 16384 ${*:5}
		$large
		truth_random $2 \$(disk d0) $truth_seed $3 $4 ${*:5}"
}

sanitized() { # SANITIZERS LIBRARY
	local preload
	preload=$(${CC:-gcc} -print-file-name="$2"):build-$1/libuntorn.so
	truth_shim run 6.1 "$1-6.1" env TSAN_OPTIONS=halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1 \
		"LD_PRELOAD=$preload"
}

truth_native run
truth_shim run 6.1 shim-6.1 build/untorn run --
truth_shim run 5.10 shim-5.10 build/untorn run --
[ "$truth_long" = 0 ] || truth_shim run 6.12 command-6.12 build/untorn run --mode=command --
truth_shim run 7 command-7 build/untorn run --mode=command --
if [ "$truth_long" = 1 ]; then
	truth_share=4
	sanitized address-undefined libasan.so
	sanitized thread libtsan.so
	truth_share=1
fi
same native-7.large shim-6.1.large
same native-7.large command-7.large
truth_said
