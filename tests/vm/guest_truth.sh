# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Included in a guest: runs the truth machine (truth.c), the fixed matrix or random calls.
#
#	truth_matrix OUTPUT DISK UNIT COMMAND...
#	truth_large OUTPUT DISK UNIT SEED CALLS COMMAND...        random calls
#	truth_random OUTPUT DISK SEED CALLS CALLS COMMAND...      CALLS on the disk, then on a partition

truth_matrix() {
	local output=$1 disk=$2 unit=$3
	shift 3
	"$@" build/tests/vm/truth "$disk" "$unit" >> "$OUT/$output.matrix"
}

truth_large() {
	local output=$1 disk=$2 unit=$3 seed=$4 calls=$5
	shift 5
	"$@" build/tests/vm/truth "$disk" "$unit" "$seed" "$calls" > "$OUT/$output.large"
}

truth_random() {
	local output=$1 disk=$2 seed=$3 calls=$4 more=$5 partition
	shift 5
	partition=$disk
	case $disk in *[0-9]) partition=${disk}p ;; esac
	build/tests/vm/addpart "$disk" 1 2056 16400
	until [ -b "${partition}1" ]; do sleep 0.1; done
	"$@" build/tests/vm/truth "$disk" 16384 "$seed" "$calls" > "$OUT/$output.disk"
	"$@" build/tests/vm/truth "${partition}1" 16384 $((seed + 1)) "$more" > "$OUT/$output.partition"
}
