#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, on a kernel with atomic writes for SCSI: the shim leaves them to the kernel (auto). By command, writes
# to a disk that is removed fail as they do natively.
set -eu
. tests/vm/guest_scsi.sh
. tests/vm/guest_take_away.sh

scsi_debug_start dev_size_mb=16 delay=0 atomic_wr=1 atomic_wr_max_length=32 atomic_wr_gran=1 \
	atomic_wr_align=1
build/untorn doctor "$DISK" | head -1 | grep -q "natively by this kernel"
UNTORN_MODE=command build/untorn doctor "$DISK" | head -1 | grep -q "each by one SCSI WRITE ATOMIC (16)"
chmod 666 "$DISK" "$SG"
take_away "" 0 env > "$OUT/native"
for how in '' 'setpriv --reuid=65534 --regid=65534 --clear-groups'; do
	# shellcheck disable=SC2086
	take_away "" 0 $how build/untorn run --mode=command -- > "$OUT/command"
	diff "$OUT/native" "$OUT/command" || { echo "taken away ($how)"; exit 1; }
done
[ "$(wc -l < "$OUT/native")" = 5 ]
echo "kernel $(uname -r): left to it, and by command the same"
