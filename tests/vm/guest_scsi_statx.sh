#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: for each kind of disk that scsi_debug can simulate, statx of the disk and of partitions on it, and
# the outcome of writes of all lengths: natively to $OUT/native, by command to $OUT/command.
set -eu
. tests/vm/guest_scsi.sh

# MAXIMUM ALIGNMENT GRANULARITY MAXIMUM-WITH-BOUNDARY MAXIMUM-BOUNDARY SECTOR PHYSICAL-EXPONENT DIF
# in logical blocks, as in VPD page B0h.
geometries() {
	local max align gran physical dif
	# Maximum, alignment and granularity against each other.
	for max in 48 8192; do
		for align in 0 3; do
			for gran in 0 2 32; do echo "$max $align $gran 0 0 512 0 0"; done
		done
	done
		# The sources of the smallest unit, on both block sizes.
	for physical in 0 5; do
		for gran in 0 8; do
			echo "128 0 $gran 0 0 512 $physical 0"
			echo "64 1 $gran 0 0 4096 $physical 0"
		done
	done
	echo "32 32 1 0 0 512 0 0" # the kernel passes writes on that the disk then refuses
	for max in 1 5; do echo "$max 1 1 0 0 4096 0 0"; done
		# The form with a boundary: used only if the disk has no maximum without one.
	echo "32 1 1 128 64 512 0 0"
	echo "0 1 1 128 32 512 0 0"
	echo "0 1 1 64 128 512 0 0"
	echo "0 2 2 256 64 512 0 0"
	echo "0 1 1 64 64 512 3 0"
	echo "0 1 8 128 48 512 0 0"
	echo "0 1 1 64 0 512 0 0"
	echo "0 1 1 0 64 512 0 0"
	echo "0 1 1 64 16 4096 0 0"
	for dif in 1 2 3; do
		echo "32 1 1 0 0 512 0 $dif"
		echo "0 2 2 64 32 4096 0 $dif"
	done
}

observe() { # LABEL COMMAND...
	local label=$1 part labels=()
	for part in "$DISK" "$DISK"[123]; do
		[ ! -b "$part" ] || labels+=("$label${part#"$DISK"}=$part")
	done
	"${@:2}" build/tests/vm/statx_print "${labels[@]}"
	"${@:2}" build/tests/vm/lengths "${labels[@]}"
}

geometries | while read -r max align gran with_boundary boundary sector physical dif; do
	scsi_debug_start dev_size_mb=16 delay=0 atomic_wr=1 atomic_wr_max_length="$max" \
		atomic_wr_align="$align" atomic_wr_gran="$gran" \
		atomic_wr_max_length_bndry="$with_boundary" atomic_wr_max_bndry="$boundary" \
		sector_size="$sector" physblk_exp="$physical" dif="$dif" < /dev/null
	if [ "$(blockdev --getsz "$DISK")" != 0 ]; then
		# Start sectors: aligned to all, to 4096 bytes, and to nothing.
		build/tests/vm/addpart "$DISK" 1 2048 4096
		build/tests/vm/addpart "$DISK" 2 16392 1032
		build/tests/vm/addpart "$DISK" 3 17443 1031 2> /dev/null || true # not on 4096-byte blocks
	fi
	label=$max,$align,$gran,$with_boundary,$boundary,$sector,$physical,$dif
	observe "$label" env >> "$OUT/native"
	observe "$label" build/untorn run --mode=command -- >> "$OUT/command"
	scsi_debug_stop
done
