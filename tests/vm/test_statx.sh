#!/bin/bash
# SPDX-License-Identifier: MIT
# statx under the shim on 5.10 and 6.1 must equal native statx, field for field: that of 6.18, which believes AWUPF
# (policy "controller"), and that of 7.x, which does not (policy "namespace").
#
# Only the differences in `refused` are allowed: devices that a native kernel accepts, but that the shim refuses or
# accepts with smaller limits, and why.
set -eu
. tests/vm/lib.sh
. tests/vm/geometries.sh

# LABEL-PATTERN REASON
refused='
pi-type2-.* type 2 protection information
metadata-8-.* metadata that is not protection information
metadata-64-.* metadata that is not protection information
n?awupf-255-lba4096-.* capped at 256 KiB: the queue of 5.10 and 6.1 takes 127 segments
'

run() { # KERNEL SET 'OUTPUT COMMAND...'...
	local disks=() labels='' label properties ask='' one
	while read -r label properties; do
		labels="$labels $label"
		disks+=(-d "64M;$properties")
	done < <("geometries_$2")
	for one in "${@:3}"; do ask="$ask bash tests/vm/guest_statx.sh $one;"; done
	vm -k "$1" -m 2G -t 240 -o "$out" "${disks[@]}" -- \
		"PATH=\$PATH:\$TOOLS/usr/sbin:\$TOOLS/usr/bin LABELS='$labels'; export LABELS; set -e; $ask"
	for one in "${@:3}"; do
		[ "$(wc -l < "$out/${one%% *}")" -gt 50 ] || { cat "$out/${one%% *}"; echo "kernel $1: too little output"; exit 1; }
	done
}

pattern=$(awk 'NF { printf "%s^%s", sep, $1; sep = "|" }' <<< "$refused")
out=$(scratch)
rows=0

compare() { # NATIVE SHIM
	diff <(grep -vE "$pattern" "$1") <(grep -vE "$pattern" "$2") > "$out/diff" ||
		{ head -40 "$out/diff"; echo "$(basename "$2") differs from $(basename "$1")"; exit 1; }
	rows=$((rows + $(grep -cvE "$pattern" "$2")))
}

for set in 1 2 3; do
	run 6.18 $set "native-6.18-$set env"
	run 7 $set "native-7-$set env"
	for kernel in 5.10 6.1; do
		run $kernel $set "controller-$kernel-$set build/untorn run --nvme-limits=controller --" \
			"namespace-$kernel-$set build/untorn run --"
		compare "$out/native-6.18-$set" "$out/controller-$kernel-$set"
		compare "$out/native-7-$set" "$out/namespace-$kernel-$set"
	done
done

# The devices in `refused` were left out above: they must really be refused, or cut to the limit.
if grep -E '^(pi-type2|metadata)-' "$out"/namespace-*-3 | grep -q 'mask=1'; then
	echo "a format was accepted that should be refused"
	exit 1
fi
for kernel in 5.10 6.1; do
	grep -q '^nawupf-255-lba4096-n1 path mask=1 .* max=262144 ' "$out/namespace-$kernel-3"
	grep -q '^awupf-255-lba4096-n1 path mask=1 .* max=262144 ' "$out/controller-$kernel-3"
	grep -q '^awupf-255-lba4096-n1 path mask=1 .* max=4096 ' "$out/namespace-$kernel-3"
done
echo "$rows rows equal to native ones"
