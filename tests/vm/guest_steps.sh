#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: guest_steps.sh DISK MAX-BYTES UNIT-MIN COMMAND... (untorn run). The steps of blktests' two tests of
# atomic writes (nvme/059, scsi/009), written anew, in the same order: the files in /sys, the disk's own limits
# (for SCSI given as MAX-BYTES and UNIT-MIN; for NVMe both are - and nvme-cli asks the disk), statx, xfs_io's writes.
set -eu
disk=$1 promised=$2 least=$3
shift 3
command=("$@")
queue=/sys/block/${disk#/dev/}/queue
failed=0
step() { # WHAT CONDITION...
	if "${@:2}"; then echo "$1: yes"; else echo "$1: NO (${*:2})"; failed=1; fi
}
# blktests reads the files in these two ways: $(< file) and cat.
# shellcheck disable=SC2016
by_bash() { "${command[@]}" bash -c 'echo "$(< "$0")"' "$queue/$1"; }
by_cat() { "${command[@]}" cat "$queue/$1"; }
block=$(by_cat logical_block_size)
hardware=$(($(by_cat max_hw_sectors_kb) * 1024))
max=$(by_bash atomic_write_max_bytes)
unit_max=$(by_cat atomic_write_unit_max_bytes) unit_min=$(by_bash atomic_write_unit_min_bytes)
step "the queue's order: $unit_min <= $unit_max <= $max <= $hardware" \
	test $((unit_min > 0 && unit_min <= unit_max && unit_max <= max && max <= hardware)) = 1

if [ "$promised" = - ]; then
	field() { nvme "id-$1" "$2" | sed -nE "s/^$3 *: *//p"; }
	if [ $(($(field ns "$disk" nsfeat) & 2)) != 0 ]; then
		promised=$((($(field ns "$disk" nawupf) + 1) * block))
	else
		promised=$((($(field ctrl "${disk%n*}" awupf) + 1) * block))
	fi
fi
[ "$promised" -le $hardware ] || promised=$hardware
step "what the disk promises, $promised" test "$max" = "$promised"
[ "$least" = - ] || step "the smallest that it takes, $least" test "$unit_min" = "$least"

by_statx() { # FIELD
	"${command[@]}" xfs_io -c 'statx -r -m 0x10000' "$disk" | sed -nE "s/^stat.$1 = //p"
}
step "statx, largest" test "$(by_statx atomic_write_unit_max)" = "$unit_max"
step "statx, smallest" test "$(by_statx atomic_write_unit_min)" = "$unit_min"

# Prints how many bytes xfs_io wrote by one pwritev2(RWF_ATOMIC), or nothing.
written() { # BYTES
	"${command[@]}" xfs_io -d -C "pwrite -b $1 -V 1 -A -D 0 $1" "$disk" 2>&1 | sed -nE 's,^wrote ([0-9]+)/.*,\1,p'
}
step "a write of the smallest" test "$(written "$unit_min")" = "$unit_min"
step "a write of the largest" test "$(written "$unit_max")" = "$unit_max"
step "none of a block more" test "$(written $((unit_max + block)))" = ""
[ "$unit_min" = "$block" ] || step "none of a block less than the smallest" test "$(written $((unit_min - block)))" = ""
[ $failed = 0 ]
