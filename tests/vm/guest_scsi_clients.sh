#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, in the tree of client programs: atomic writes on SCSI disks. For each run, $OUT/RUN.wanted gets the
# calls that a program made, $OUT/RUN.sent the commands that the disk got, both as "LBA BLOCKS BOUNDARY".
set -eu
. tests/vm/guest_scsi.sh
. tests/vm/guest_take_away.sh
untorn=$PWD/build/untorn start=2048 length=40016

sent() { # RUN: the commands in the target's log since the last call
	sed -nE 's/^opcode=9c lba=([0-9]+) blocks=([0-9]+) boundary=([0-9]+) .*/\1 \2 \3/p' "$TARGET_LOG" > "$OUT/$1.sent"
	: > "$TARGET_LOG"
}
wanted() { # RUN [BOUNDARY]: from write_random.py's log
	sed -E "s/ ([0-9]+)\$/ \1 ${2:-0}/" /tmp/log > "$OUT/$1.wanted"
}
write_random() { # DISK COUNT START
	"${as[@]}" "$untorn" run -- python3 tests/vm/write_random.py "$1" "$2" 512 16384 "$3" /tmp/log
	chmod 666 /tmp/log
}
one() { # PREFIX...: one write; 16384, or the error's name
	"$@" python3 -c "
import errno, os
fd = os.open('$DISK', os.O_RDWR | os.O_DIRECT)
try: print(os.pwritev(fd, [b'u' * 16384], 65536, 0x40))
except OSError as e: print(errno.errorcode[e.errno])"
}
expect() { [ "$2" = "$3" ] || { echo "$1: $2, not $3"; exit 1; }; }
as=()

scsi_target_start max=32
expect "without the shim" "$(one env)" ENOTSUP
bash tests/vm/guest_clients.sh "$DISK"
expect "fio's writes" "$(grep -c 'opcode=9c.* blocks=32 ' "$TARGET_LOG")" 2049 # one of them is xfs_io's
sent fio
write_random "$DISK" 1000 0
sent disk
wanted disk
build/tests/vm/addpart "$DISK" 1 $start $length # tells the kernel, writes nothing
await test -b "${DISK}1"
write_random "${DISK}1" 1000 $start
sent partition
wanted partition

# An ordinary user who may write to the disk's node, but not to the generic node, gets no atomic writes.
as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
chmod 666 "$DISK" "${DISK}1" /tmp/log
await "${as[@]}" test -r "$PWD/build/libuntorn.so" # the 9p share once refused it at first
expect "no generic node" "$(one "${as[@]}" "$untorn" run --)" ENOTSUP
! "${as[@]}" "$untorn" run -- build/tests/vm/statx_print "$DISK" | grep -q mask=1 ||
	{ echo "statx promises what cannot be sent"; exit 1; }
! "${as[@]}" "$untorn" doctor "$DISK" > /tmp/doctor || { cat /tmp/doctor; exit 1; }
grep -q "right to read and write $SG" /tmp/doctor || { cat /tmp/doctor; exit 1; }
expect "commands without the right to them" "$(wc -l < "$TARGET_LOG")" 0
chgrp 65533 "$SG"
chmod 660 "$SG"
as=(setpriv --reuid=65534 --regid=65534 --groups=65533)
expect "through the group's node" "$(one "${as[@]}" "$untorn" run --)" 16384
"${as[@]}" "$untorn" doctor "$DISK" > /tmp/doctor || { cat /tmp/doctor; exit 1; }
"${as[@]}" "$untorn" doctor "${DISK}1" > /tmp/doctor || { cat /tmp/doctor; exit 1; }
: > "$TARGET_LOG"
write_random "${DISK}1" 200 $start
sent user
wanted user
as=()
scsi_target_stop
bash tests/vm/guest_scsi_once.sh

scsi_target_start max=0 max_bndry=64 bndry=32 gran=8
write_random() { # from 4096 on, the granularity
	"$untorn" run -- python3 tests/vm/write_random.py "$1" "$2" 4096 16384 "$3" /tmp/log
}
write_random "$DISK" 300 0
sent boundary
sed -E 's/ ([0-9]+)$/ \1 \1/' /tmp/log > "$OUT/boundary.wanted"
scsi_target_stop

# This disk knows no FUA and refuses a command with it: each durable write is followed by a flush.
scsi_target_start max=32 no_fua=1
expect "the kernel on FUA" "$(cat "/sys/block/${DISK#/dev/}/queue/fua")" 0
: > "$TARGET_LOG"
"$untorn" run -- python3 -c "
import os
for flags, rwf in (os.O_DSYNC, 0), (0, os.RWF_DSYNC), (0, 0):
	fd = os.open('$DISK', os.O_RDWR | os.O_DIRECT | flags)
	for i in range(100): assert os.pwritev(fd, [b'f' * 16384], 16384 * i, 0x40 | rwf) == 16384
	os.close(fd)"
expect "durable writes" "$(grep -A1 -E 'opcode=9c .*fua=0' "$TARGET_LOG" | grep -cE 'opcode=(35|91)')" 200
expect "all writes" "$(grep -c opcode=9c "$TARGET_LOG")" 300
scsi_target_stop

# Faults: the disk's answers to the first and later commands, and the program's errnos.
scsi_target_start max=32 fault=1:06/29/00 fault=3:05/20/00 fault=4:status=18 fault=5:0b/00/00 \
	fault=7:03/11/00 fault=8:07/27/07
expect "unit attention first" "$(one "$untorn" run --)" 16384
expect "invalid opcode" "$(one "$untorn" run --)" EREMOTEIO
expect "reservation conflict" "$(one "$untorn" run --)" EBADE
expect "aborted, then done" "$(one "$untorn" run --)" 16384
expect "medium error" "$(one "$untorn" run --)" ENODATA
expect "thin pool full" "$(one "$untorn" run --)" ENOSPC
sent faults
for command in 1 2 3 4 5 6 7 8; do echo "128 32 0"; done > "$OUT/faults.wanted"
expect "untouched by failures" "$(dd if="$DISK" bs=4k skip=16 count=1 status=none | head -c 1)" u

# The disk is removed and comes back under another name: the old descriptor reaches nothing, on the disk or the
# partition, as root or as a user.
user='setpriv --reuid=65534 --regid=65534 --clear-groups'
for how in '|0|' "|0|$user" '1|1048576|' "1|1048576|$user"; do
	build/tests/vm/addpart "$DISK" 1 $start $length
	await test -b "${DISK}1"
	chmod 666 "$DISK" "${DISK}1" "$SG"
	IFS='|' read -r suffix place prefix <<< "$how"
	# shellcheck disable=SC2086
	take_away "$suffix" "$place" $prefix "$untorn" run -- > "$OUT/gone"
	diff - "$OUT/gone" <<-END || { echo "gone ($how)"; exit 1; }
		before: 16384
		away: refused
		back: refused
		there: a
		anew: 16384
	END
done
