#!/bin/bash
# SPDX-License-Identifier: MIT
# races.c on real kernels: a descriptor number changes between a partition of one NVMe disk and another disk while a
# thread writes through it. Also without /proc, where a hold shares the program's open file, and under a seccomp
# filter. UNTORN_RACE_SECONDS (0.5) for each race, on UNTORN_RACE_KERNELS.
set -eu -o pipefail
. tests/vm/lib.sh

seconds=${UNTORN_RACE_SECONDS:-0.5}
race() { # KERNEL COMMAND BEFORE IT
	vm -k "$1" -t 3600 -d "64M;;atomic.nawun=31,atomic.nawupf=31" -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- "
		set -eu
		. tests/vm/guest_lib.sh
		a=\$(disk d0) b=\$(disk d1) top=\$PWD
		build/tests/vm/addpart \$a 1 2048 65536
		cd /tmp
		export UNTORN_MODE=command
		\$top/build/untorn run -- $2 \$top/build/tests/vm/races \$a \${a}p1 1048576 \$b $seconds" |
		sed "s/^/    $1: /"
}
for kernel in ${UNTORN_RACE_KERNELS:-5.10 6.1 7}; do race "$kernel" ''; done
echo 'without /proc:'
race 6.1 'unshare -m sh -c "umount -l /proc; exec \"\$@\"" -- '
echo 'under a seccomp filter:'
race 6.1 "\$top/build/tests/vm/filtered "
