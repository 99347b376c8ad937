#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: guest_statx.sh OUTPUT COMMAND... writes to $OUT/OUTPUT the statx of every NVMe namespace and of
# partitions on it, asked through COMMAND (nothing, or untorn run). $LABELS has a label per controller, in the order
# of their serial numbers.
set -eu
read -r -a labels <<< "$LABELS"
output=$1
shift

for node in /sys/class/nvme/nvme*; do
	number=${node##*nvme}
		# tests/vm/vm gives the controllers the serial numbers d0, d1 ...
	label=${labels[$(sed -E 's/^d([0-9]+).*/\1/' "$node/serial")]}
	for disk in /dev/nvme"${number}"n[0-9] /dev/nvme"${number}"n[0-9][0-9]; do
		[ -b "$disk" ] || continue
		# Not the node's number: newer kernels scan namespaces in any order.
		name=$label-n$(cat "/sys/class/block/${disk##*/}/nsid")
		[ "$(blockdev --getsz "$disk")" != 0 ] || continue
		# Start sectors: aligned to all, to 4096 bytes, and to nothing.
		if [ ! -b "${disk}p1" ]; then
			build/tests/vm/addpart "$disk" 1 2048 4096
			build/tests/vm/addpart "$disk" 2 16392 1032
			build/tests/vm/addpart "$disk" 3 32769 1031 2> /dev/null || true # not on 4096-byte blocks
		fi
		for part in "$disk" "$disk"p[123]; do
			[ ! -b "$part" ] || echo "$name${part#"$disk"}=$part"
		done
	done
done | sort | xargs "$@" build/tests/vm/statx_print > "$OUT/$output"
