#!/bin/bash
# SPDX-License-Identifier: MIT
# Changes that an administrator may make to an NVMe disk while a program writes to it (hazards.py): first natively,
# as the measure; then under the shim.
set -euo pipefail
. tests/vm/lib.sh

run() { # KERNEL COMMAND...
	echo "kernel $1, ${*:2}"
	vm -k "$1" -t 300 -d "32M;;atomic.nawun=31,atomic.nawupf=31" -- "
		set -eu
		. tests/vm/guest_lib.sh
		. tests/vm/guest_scsi.sh
		. tests/vm/guest_nvmet.sh
		formatted=\$(disk d0)
		scsi_debug_start dev_size_mb=16 delay=0 physblk_exp=5
		first=\$DISK
		load brd rd_nr=1 rd_size=16384
		truncate -s 8M /tmp/file
		load loop
		loop=\$(losetup -f)
		losetup -b 4096 \$loop /tmp/file
		nvmet_start
		${*:2} python3 tests/vm/hazards.py \$formatted \$first /dev/ram0 \$loop /tmp/file" | sed 's/^/    /'
}
run 7 env
run 7 build/untorn run --mode=command --
run 6.1 build/untorn run --
run 5.10 build/untorn run --
