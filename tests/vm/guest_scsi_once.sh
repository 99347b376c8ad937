#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, in the tree of client programs: a process writes through the generic node. It is stopped, traced or
# frozen while the disk delays its first command. Then it writes other data to the same place: the disk gets
# exactly two commands, and holds the newer data in the end.
set -eu
. tests/vm/guest_scsi.sh
untorn=$PWD/build/untorn group=/run/cgroup/frozen

write_twice() { # in the background: $writer
	setpriv --reuid=65534 --regid=65534 --groups=65533 "$untorn" run -- python3 -c "
import os
fd = os.open('$DISK', os.O_RDWR | os.O_DIRECT)
for c in b'AB': print(os.pwritev(fd, [bytes([c]) * 16384], 65536, 0x40), flush=True)" > /tmp/results &
	writer=$!
}
commands() { grep -c opcode=9c "$TARGET_LOG"; }
has_come() { [ "$(commands)" -gt 0 ]; }
stop() { kill -STOP "$writer" && sleep 0.05 && kill -CONT "$writer"; }
trace() { timeout -s INT 1 strace -o /dev/null -p "$writer" 2> /dev/null || true; }
freeze() { echo 1 > $group/cgroup.freeze && sleep 0.05 && echo 0 > $group/cgroup.freeze; }

mkdir /run/cgroup
mount -t cgroup2 cgroup /run/cgroup
mkdir $group
for how in stop trace freeze; do
	scsi_target_start max=32 fault=1:hold=3000
	chgrp 65533 "$SG"
	chmod 660 "$SG"
	chmod 666 "$DISK"
	write_twice
	await has_come
	echo "$writer" > $group/cgroup.procs
	for _ in 1 2 3; do $how; done
	wait "$writer"
	sleep 1
	on_disk=$(dd if="$DISK" bs=4k skip=16 count=1 iflag=direct status=none | head -c 1)
	echo "$how: $(commands) commands, $on_disk on the disk, results $(paste -sd, /tmp/results)"
	[ "$(commands) $on_disk $(paste -sd, /tmp/results)" = '2 B 16384,16384' ] || exit 1
	scsi_target_stop
done
