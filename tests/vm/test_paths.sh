#!/bin/bash
# SPDX-License-Identifier: MIT
# NVMe over several paths. While controllers are reset, become inaccessible and break off, an atomic write waits for
# a path, as a plain one does: none may fail (UNTORN_PATH_SECONDS on each kernel). AWUPF of the controller that was
# asked counts only if the disk has no second controller. And doctor must look at the hidden queue of each path,
# where the kernel merges plain writes.
set -eu
. tests/vm/lib.sh

seconds=${UNTORN_PATH_SECONDS:-12}
paths() { # KERNEL RWF COMMAND...
	echo "kernel $1, flags $2, ${*:3}"
	vm -k "$1" -c -t $((seconds + 200)) -- "bash tests/vm/guest_paths.sh $seconds ${*:2}"
}
for run in '6.1 0x40 build/untorn run --' '7 0x40 build/untorn run --mode=command --'; do
	# shellcheck disable=SC2086
	told=$(paths $run)
	echo "$told"
	grep -q 'wrong: none' <<< "$told" || exit 1
done

unit() { # CONTROLLERS: how far doctor believes the one that promises 32 blocks
	# The kernel names the disk by the number of the controller that came first.
	local devices="-blockdev null-co,node-name=image,size=67108864,read-zeroes=on -device nvme-subsys,id=s"
	devices+=" -device nvme,id=first,serial=m,subsys=s,atomic.awun=31,atomic.awupf=31"
	[ "$1" = 1 ] || devices+=" -device nvme,serial=m,subsys=s,atomic.awun=31,atomic.awupf=7"
	vm -k 6.1 -a "$devices -device nvme-ns,drive=image,bus=first,shared=on" -- \
		"build/untorn doctor --nvme-limits=controller /dev/nvme[0-9]n1 | head -n 1
		build/untorn doctor --page=512 /dev/nvme[0-9]n1 | head -n 1
		for queue in /sys/block/nvme*c*n1/queue; do echo 2 > \$queue/nomerges; done
		build/untorn doctor --page=512 /dev/nvme[0-9]n1"
}
expect() { # CONTROLLERS TEXT
	local told
	told=$(unit "$1")
	echo "controllers: $1: $told"
	grep -q "$2" <<< "$told" || exit 1
	grep -q 'no, because nvme[0-9]c[0-9]n1: neighbouring writes are merged' <<< "$told" || exit 1
	grep -q 'is one command on this path: yes$' <<< "$told" || exit 1
	[ "$(grep -c '^nvme[0-9]c[0-9]n1$' <<< "$told")" = "$1" ] || exit 1
}
expect 1 'atomic writes of 512 to 16384 bytes'
expect 2 'atomic writes of 512 bytes'
