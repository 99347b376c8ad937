#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: guest_clients.sh [DISK] tests fio's pvsync2 with verification, and xfs_io's pwrite -A and statx.
set -eu
disk=${1:-/dev/nvme0n1}
untorn=build/untorn

$untorn run -- fio --name=atomic --filename=$disk --ioengine=pvsync2 --atomic=1 --direct=1 --bs=16k \
	--rw=randwrite --verify=crc32c --size=32M --output-format=terse --output="$OUT/fio"
# Field 5 of the terse format is the error.
[ "$(cut -d';' -f5 "$OUT/fio")" = 0 ] || { echo "fio: $(cat "$OUT/fio")"; exit 1; }
# Without the shim the same must fail: else the run above proves nothing.
if fio --name=plain --filename=$disk --ioengine=pvsync2 --atomic=1 --direct=1 --bs=16k \
	--rw=randwrite --size=1M > "$OUT/fio-plain" 2>&1; then
	echo "fio had its atomic writes without the shim"
	exit 1
fi

# xfs_io exits with 0 even after an error: check what it prints. -V 1 makes it use pwritev2.
says() { # TEXT COMMAND...
	local text=$1 said
	said=$("${@:2}" 2>&1) || true
	case $said in *"$text"*) ;; *) echo "${*:2}: no '$text' in: $said"; exit 1 ;; esac
}
says "Operation not supported" xfs_io -d -c "pwrite -A -V 1 -b 16k -S 0x5a 32k 16k" $disk
says "wrote 16384/16384 bytes" $untorn run -- xfs_io -d -c "pwrite -A -V 1 -b 16k -S 0x5a 32k 16k" $disk
says "5a 5a 5a 5a" xfs_io -r -c "pread -v 32k 16" $disk
says "Invalid argument" $untorn run -- xfs_io -d -c "pwrite -A -V 1 -b 32k 0 32k" $disk
says "stat.atomic_write_unit_min = 512" $untorn run -- xfs_io -r -c "statx -r -m 0x10000" $disk
says "stat.atomic_write_unit_max = 16384" $untorn run -- xfs_io -r -c "statx -r -m 0x10000" $disk
