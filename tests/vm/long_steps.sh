#!/bin/bash
# SPDX-License-Identifier: MIT
# The steps of blktests' two tests of atomic writes (guest_steps.sh), on an NVMe disk with NAWUPF 31 and a SCSI disk:
# under the shim on kernels without atomic writes, and by command on kernels with them. UNTORN_BLKTESTS names a built
# checkout of blktests: then its own nvme/059 (and scsi/009, see below) runs unchanged, too, and all of it natively as
# well.
set -eu
. tests/vm/lib.sh
nvme='64M;;atomic.nawun=31,atomic.nawupf=31'
target='. tests/vm/guest_scsi.sh; scsi_target_start max=32 gran=2; bash tests/vm/guest_steps.sh $DISK 16384 1024'
debug='. tests/vm/guest_scsi.sh; scsi_debug_start delay=0 atomic_wr=1 atomic_wr_max_length=64 atomic_wr_gran=4
	bash tests/vm/guest_steps.sh $DISK 32768 2048'
run() { # KERNEL COMMAND...
	[ -z "${UNTORN_BLKTESTS:-}" ] || blktests "$@"
	vm -k "$1" -c -t 200 -d "$nvme" -- "set -e; bash tests/vm/guest_steps.sh /dev/nvme0n1 - - ${*:2}; $scsi ${*:2}" > "$out" ||
		{ cat "$out"; exit 1; }
	[ "$(grep -c ': yes$' "$out")" = 16 ] || { cat "$out"; echo "kernel $1: not as many steps as there are"; exit 1; }
	echo "kernel $1, ${*:2}: each step passes"
}
# scsi/009 makes its own disk by a scsi_debug with atomic writes, which Linux has from 6.12 on.
blktests() { # KERNEL COMMAND...
	local tests='nvme/059'
	[ "$scsi" = "$target" ] || tests='nvme/059 scsi/009'
	rm -rf "$checkout/blktests"
	cp -r "$UNTORN_BLKTESTS" "$checkout/blktests"
	echo 'TEST_DEVS=(/dev/nvme0n1)' > "$checkout/blktests/config"
	vm -k "$1" -c -t 300 -o "$checkout" -d "$nvme" -- "set -e; . tests/vm/guest_scsi.sh
		cp -r \$OUT/blktests /tmp; mkdir /tmp/bin; ln -s /usr/bin/gawk /tmp/bin/awk
		PATH=/tmp/bin:\$PATH:\$(realpath build); cd /tmp/blktests; load -n scsi_debug || true
		${2#build/} ${*:3} ./check $tests"
}
out=$(scratch)/said checkout=$(scratch)
scsi=$target
run 5.10 build/untorn run --
run 6.1 build/untorn run --
scsi=$debug
for kernel in 6.12 7; do
	run $kernel build/untorn run --mode=command --
	[ -z "${UNTORN_BLKTESTS:-}" ] || run $kernel env
done
