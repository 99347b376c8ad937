#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests the simulated disk, and a partition of it, by unmodified programs: fio's engines, dd, cp, python. Its log must
# have as many writes as they made, and their data must be on it. Also under fakeroot: its preload and ours each call
# functions that the other replaces.
set -eu
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library would have to come first"; exit 77 ;; esac
untorn=$(realpath "$BUILD/untorn")
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
trap 'rm -rf "$work"' EXIT
cd "$work"
head -c 1M /dev/urandom > source
spec=/dev/sim0n1=image,size=16M,nawun=31,nawupf=31,part=2048+16384,log=log
over() { "$untorn" run "${deep[@]}" --sim="$spec" -- "$@" 2> said || { cat said; echo "failed: $*"; exit 1; }; }
deep=()
anew() { rm -rf image image.sim log; }
logged() { # WANTED WHAT
	local count
	count=$(grep -c '^write ' log)
	[ "$count" = "$1" ] || { echo "$2: $count writes in the log, not $1"; exit 1; }
}
same() { # DEVICE WHAT
	over cmp -n 1048576 source "$1" || { echo "$2: other data on the disk"; exit 1; }
}

for disk in /dev/sim0n1 /dev/sim0n1p1; do
	for engine in psync pvsync2 mmap libaio io_uring; do
		anew
		deep=()
		[ $engine != io_uring ] || [ "$(uname -m)" != x86_64 ] || deep=(--deep) # fio makes io_uring's calls by its own instructions
		over fio --name=job --filename=$disk --ioengine=$engine --rw=randwrite --bs=16k --size=1M \
			--iodepth=8 --direct=1 --verify=crc32c --do_verify=1 --output=fio
		logged 64 "fio, $engine, $disk"
	done
	deep=()
	anew
	over dd if=source of=$disk bs=64k oflag=direct
	logged 16 "dd, $disk"
	same $disk "dd, $disk"
	head -c 1M /dev/urandom > source
	: > log
	over cp source $disk
	same $disk "cp, $disk"
	over cp $disk back
	cmp -n 1048576 source back
	head -c 1M /dev/urandom > source
	: > log
	over python3 -c 'import os, sys
data = open("source", "rb").read()
disk = os.open(sys.argv[1], os.O_WRONLY)
for i in range(0, len(data), 65536): os.pwrite(disk, data[i:i + 65536], i)' $disk
	logged 16 "python, $disk"
	same $disk "python, $disk"
done
command -v fakeroot > /dev/null || { echo "SKIP: all is well but fakeroot, which is not here"; exit 77; }
said=$(timeout 60 fakeroot "$untorn" run --sim="$spec" -- python3 -c 'import os
disk = os.open("/dev/sim0n1p1", os.O_RDONLY)
print(oct(os.stat("/dev/sim0n1").st_mode), oct(os.fstat(disk).st_mode), os.stat("source").st_uid)')
[ "$said" = "0o60660 0o60660 0" ] || { echo "under fakeroot: $said"; exit 1; }
