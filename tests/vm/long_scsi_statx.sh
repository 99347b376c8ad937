#!/bin/bash
# SPDX-License-Identifier: MIT
# SCSI: statx by command must equal native statx, field for field, on the same disk of the same kernel: scsi_debug on
# 6.12 and 7.x, over the grid of guest_scsi_statx.sh, on the disk and on partitions. The results of writes of all
# lengths must be the same, too.
#
# One difference is allowed: 6.12 accepts a maximum boundary of 0 or above the maximum length; 7.x and the shim
# refuse such values as garbage.
set -eu
. tests/vm/lib.sh

garbage='^0,1,1,64,(0|128),512,'
for kernel in 6.12 7; do
	out=$(scratch)
	vm -k $kernel -t 600 -o "$out" -- bash tests/vm/guest_scsi_statx.sh
	[ "$(wc -l < "$out/native")" -gt 1000 ] || { echo "kernel $kernel: too little output"; exit 1; }
	if [ $kernel = 6.12 ]; then
		! grep -E "$garbage" "$out/command" | grep -q 'mask=1' || { echo "garbage was believed"; exit 1; }
	else
		garbage='^$'
	fi
	grep -vE "$garbage" "$out/native" > "$out/native-rows"
	grep -vE "$garbage" "$out/command" > "$out/command-rows"
	diff "$out/native-rows" "$out/command-rows" > "$out/diff" ||
		{ head -60 "$out/diff"; echo "kernel $kernel: command (>) differs from native (<)"; exit 1; }
	echo "kernel $kernel: $(wc -l < "$out/native-rows") rows equal," \
		"$(grep -c 'mask=1' "$out/native-rows") of them supported"
done
