#!/bin/bash
# SPDX-License-Identifier: MIT
# QEMU under the shim, with aio=io_uring and aio=native on disks opened with O_DIRECT: qemu-io writes patterns and
# verifies them, qemu-img writes many blocks, and a guest writes random data and reads it back.
set -eu
. tests/clients/lib.sh
megabytes=${UNTORN_CLIENT_MEGABYTES:-64} writes=${UNTORN_CLIENT_WRITES:-200000}

engine_is_used() { # ENGINE PID
	case $1 in
	io_uring) has_ring "$2" ;;
	native) grep -q '/\[aio\]' "/proc/$2/maps" || fail "process $2 has no libaio context" ;;
	esac
}

# Fills every megabyte with its own number, except its last 4 KiB, with up to eight requests under way. The process that
# wrote reads all back, and so does one without the shim.
patterns() { # WAY ENGINE
	local i number write=() read=()
	for ((i = 0; i < megabytes; i++)); do
		number=$((i % 250 + 1))
		write+=(-c "aio_write -q -P $number ${i}M 1020k" -c "aio_write -q -P 255 $((i * 1024 + 1020))k 4k")
		[ $((i % 4)) != 3 ] || write+=(-c aio_flush)
		read+=(-c "read -q -P $number ${i}M 1020k" -c "read -q -P 255 $((i * 1024 + 1020))k 4k")
	done
	in_tree "$1" qemu-io -t none -i "$2" -f raw "${write[@]}" -c aio_flush "${read[@]}" /tmp/run/disk > "$work/said" 2>&1 &&
		in_tree native qemu-io -f raw "${read[@]}" /tmp/run/disk >> "$work/said" 2>&1 ||
		{ tail -n 3 "$work/said"; fail "qemu-io, $2, $1"; }
	[ ! -s "$work/said" ] || { tail -n 3 "$work/said"; fail "qemu-io, $2, $1, says that"; }
}

# Many writes, so that there is time to look into the process.
many() { # WAY ENGINE
	become "$1" qemu-img bench -t none -i "$2" -f raw -w -d 16 -s 4k -c "$writes" /tmp/run/disk > "$work/bench" 2>&1 &
	server=$!
	until_true 10 grep -q qemu-img "/proc/$server/comm"
	until_true 10 eval "(engine_is_used $2 $server)"
	has_shim "$1" "$server"
	wait "$server" || { cat "$work/bench"; fail "qemu-img bench, $2, $1"; }
	server=
}

in_qemu_io() {
	local engine way
	enter_tree tree trixie qemu-utils dash coreutils
	for engine in io_uring native; do
		for way in $ways; do
			fresh_run
			truncate -s "${megabytes}M" "$work/run/disk"
			chown 65534 "$work/run/disk"
			patterns "$way" $engine
			many "$way" $engine
			echo "qemu-io, $engine, $way: $megabytes MiB of patterns are right;" \
				"$writes writes of 4 KiB: $(sed -n 's/^Run completed in //p' "$work/bench")"
		done
	done
}

# A guest with a disk for each engine. It waits until this script has looked into QEMU.
guest_work='
	dd if=/dev/urandom of=/tmp/data bs=1M count=32 2> /dev/null
	cp /tmp/data $OUT/data
	until [ -b /dev/nvme0n1 ] && [ -b /dev/nvme1n1 ]; do sleep 0.1; done
	for disk in /dev/nvme0n1 /dev/nvme1n1; do
		dd if=/tmp/data of=$disk bs=256k oflag=direct 2> /dev/null
		dd if=$disk bs=64k count=512 iflag=direct 2> /dev/null | cmp - /tmp/data || exit 1
	done
	until [ -e $OUT/seen ]; do sleep 0.1; done
	echo verified'
in_guest() { # WAY
	local engine arguments="-pidfile $work/pid" variables guest
	rm -rf "$work/out" "$work/pid"
	mkdir "$work/out"
	for engine in io_uring native; do
		truncate -s 64M "$work/$engine"
		arguments+=" -drive if=none,id=$engine,file=$work/$engine,format=raw,cache=none,aio=$engine"
		arguments+=" -device nvme,serial=$engine,drive=$engine"
	done
	with_shim "$1" "$shim"
	env "${variables[@]}" tests/vm/vm -a "$arguments" -o "$work/out" -t 200 -- "$guest_work" > "$work/guest" 2>&1 &
	guest=$!
	until_true 120 test -s "$work/pid"
	for engine in io_uring native; do until_true 60 eval "(engine_is_used $engine $(cat "$work/pid"))"; done
	has_shim "$1" "$(cat "$work/pid")"
	touch "$work/out/seen"
	wait $guest || { tail "$work/guest"; fail "a guest under QEMU, $1"; }
	[ "$(cat "$work/guest")" = verified ] || { tail "$work/guest"; fail "a guest under QEMU, $1, says that"; }
	for engine in io_uring native; do
		cmp -n $((32 << 20)) "$work/out/data" "$work/$engine" || fail "the disk by $engine, $1, has other data"
	done
	echo "QEMU, $1: a guest's 32 MiB on each of two disks, aio=io_uring and aio=native, are right"
}

in_qemu_io
for way in $ways; do in_guest $way; done
