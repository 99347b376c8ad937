#!/bin/bash
# SPDX-License-Identifier: MIT
# The same calls natively (6.12, 7.x) and through the shim, on the same kernels by command and on
# 5.10 and 6.1: every answer and every byte must be equal. First the fixed matrix (all pairs of
# values), for units of 16 and 256 KiB, then random calls on the disk and on a partition: as many as
# the first kernel does in UNTORN_TRUTH_SECONDS (60), from UNTORN_TRUTH_SEED (1). On 6.1 the matrix
# goes through the sanitizers' builds of the shim too.
set -eu
. tests/vm/lib.sh

run() { # KERNEL OUTPUT CALLS CALLS COMMAND...
	vm -k "$1" -t $((300 + 4 * truth_seconds)) -o "$out" -d "16M;;atomic.nawun=31,atomic.nawupf=31" \
		-d "64M;;atomic.nawun=511,atomic.nawupf=511" -- "
		set -eu
		. tests/vm/guest_lib.sh
		. tests/vm/guest_truth.sh
		truth_matrix $2 \$(disk d0) 16384 ${*:5}
		truth_matrix $2 \$(disk d1) 262144 ${*:5}
		truth_random $2 \$(disk d0) $truth_seed $3 $4 ${*:5}"
}

sanitized() { # OUTPUT SANITIZERS LIBRARY
	local preload
	preload=$(${CC:-gcc} -print-file-name="$3"):build-$2/libuntorn.so
	vm -k 6.1 -t 600 -o "$out" -d "16M;;atomic.nawun=31,atomic.nawupf=31" \
		-d "64M;;atomic.nawun=511,atomic.nawupf=511" -- "
		set -eu
		. tests/vm/guest_lib.sh
		. tests/vm/guest_truth.sh
		export TSAN_OPTIONS=halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1
		truth_matrix $1 \$(disk d0) 16384 env LD_PRELOAD=$preload
		truth_matrix $1 \$(disk d1) 262144 env LD_PRELOAD=$preload"
	same native-7.matrix "$1.matrix"
}

truth_native run
truth_shim run 6.1 shim-6.1 build/untorn run --
truth_shim run 5.10 shim-5.10 build/untorn run --
truth_shim run 6.12 command-6.12 build/untorn run --mode=command --
truth_shim run 7 command-7 build/untorn run --mode=command --
sanitized address-6.1 address-undefined libasan.so
sanitized thread-6.1 thread libtsan.so
truth_said
