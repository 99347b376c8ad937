#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, in the tree of client programs: guest_paths.sh SECONDS RWF COMMAND... runs paths.py by COMMAND on a
# disk of the kernel's own NVMe target over TCP. Meanwhile its two paths are reset, become inaccessible and break
# off, one after the other and both at once.
set -eu
. tests/vm/guest_scsi.sh
. tests/vm/guest_nvmet.sh
seconds=$1 rwf=$2
shift 2

truncate -s 8M /tmp/file
load loop
loop=$(losetup -f)
losetup -b 4096 "$loop" /tmp/file
nvmet_start "$loop"
nvmet_port 2
nvmet_connect 2
paths() { ls -d /sys/class/nvme-subsystem/*/nvme[0-9]; }
expect_paths() { [ "$(paths | wc -l)" = 2 ]; }
await expect_paths
disk=/dev/$(basename /sys/class/nvme-subsystem/nvme-subsys*/nvme*n*)
await test -b "$disk"

ana() { for port in 1 2; do echo "$1" > $nvmet/ports/$port/ana_groups/1/ana_state; done; }
break_off() { for port; do rm "$nvmet/ports/$port/subsystems/untorn"; done; }
restore() { for port; do ln -s $nvmet/subsystems/untorn "$nvmet/ports/$port/subsystems/untorn"; done; }
reset() { # SECONDS between the two paths
	local path
	for path in $(paths); do
		echo 1 > "$path/reset_controller" || true
		sleep "$1"
	done
}
disturb() {
	while :; do
		reset 0.3
		reset 0
		sleep 0.5
		ana inaccessible
		sleep 2
		ana optimized
		sleep 0.5
		break_off 1
		sleep 0.5
		restore 1
		sleep 2
		break_off 1 2
		sleep 2
		restore 1 2
		sleep 3
	done
}
disturb &
"$@" python3 tests/vm/paths.py "$disk" "$seconds" "$rwf"
kill %1
