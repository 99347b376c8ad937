#!/bin/bash
# SPDX-License-Identifier: MIT
# Readers that race a writer must see torn pages, half old, half new, when writes are plain, and none when they are
# atomic. On a SCSI disk that stores plain writes block by block, and on QEMU's NVMe disk, which tears writes longer
# than its atomic unit. UNTORN_TORN_READS (20000): reads of atomic writes.
set -eu -o pipefail
. tests/vm/lib.sh

reads=${UNTORN_TORN_READS:-20000}
vm -k 6.1 -t 1200 -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- "
	set -eu
	. tests/vm/guest_lib.sh
	. tests/vm/guest_scsi.sh
	scsi_target_start max=32 pause=20
	nvme=\$(disk d0)
	torn=build/tests/vm/torn
	printf 'SCSI, plain: '
	\$torn \$DISK 16384 200000 0
	printf 'SCSI, atomic: '
	build/untorn run -- \$torn \$DISK 16384 $reads 0x40
	printf 'NVMe, plain, above the unit: '
	\$torn \$nvme 524288 200000 0
	printf 'NVMe, atomic: '
	build/untorn run -- \$torn \$nvme 16384 $reads 0x40
" | tee "$scratch_root/counts"
[ "$(grep -cE "atomic: $reads reads, 0 torn, [0-9]{3,} writes" "$scratch_root/counts")" = 2 ]
[ "$(grep -c '^.*plain.*: [0-9]* reads, [1-9][0-9]* torn, ' "$scratch_root/counts")" = 2 ]
