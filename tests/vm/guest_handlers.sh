#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: guest_handlers.sh SECONDS COMMAND... runs handlers.c. Its silent disk is an NVMe disk of the kernel's
# own target whose only path is inaccessible for 4 of each 4.5 seconds.
set -eu
. tests/vm/guest_lib.sh
. tests/vm/guest_scsi.sh
. tests/vm/guest_nvmet.sh
seconds=$1
shift
answering=$(disk d0)
truncate -s 8M /tmp/file
load loop
loop=$(losetup -f)
losetup -b 4096 "$loop" /tmp/file
nvmet_start "$loop"
silent_there() { silent=$(ls -d /sys/class/nvme-subsystem/nvme-subsys*/nvme*n* | grep -v "${answering#/dev/}"); }
await silent_there
silent=/dev/$(basename "$silent")
await test -b "$silent"
state=$nvmet/ports/1/ana_groups/1/ana_state
while :; do
	echo inaccessible > $state
	sleep 4
	echo optimized > $state
	sleep 0.5
done &
"$@" build/tests/vm/handlers "$answering" "$silent" "$seconds" || { echo "handlers: $?"; exit 1; }
kill %1
echo optimized > $state
