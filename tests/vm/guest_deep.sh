#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, in deep mode: guest_deep.sh DISK COMMAND... (untorn run --deep) runs fio's io_uring engine, which
# enters its rings by its own instructions, with several options, threads and processes. $OUT/wanted gets the
# number of writes that fio reports.
set -eu
disk=$1
shift
common="--filename=$disk --ioengine=io_uring --atomic=1 --direct=1 --bs=16k --rw=randwrite --size=2M
	--output-format=terse --terse-version=3"
wanted=0

fio_says() { # LABEL WRITES
	# Field 5 of each job's line is the error, 47 the KiB written.
	local errors kib
	errors=$(grep '^3;' "$OUT/fio" | cut -d';' -f5 | sort -u)
	kib=$(($(grep '^3;' "$OUT/fio" | cut -d';' -f47 | tr '\n' '+')0))
	[ "$errors" = 0 ] || { echo "fio, $1: error $errors"; exit 1; }
	[ "$kib" = $(($2 * 16)) ] || { echo "fio, $1: $kib KiB"; exit 1; }
	wanted=$((wanted + $2))
}
run() { # LABEL WRITES OPTIONS...
	# shellcheck disable=SC2086
	timeout 60 $command fio $common "${@:3}" --output="$OUT/fio" ||
		{ echo "fio, $1: status $?: $(cat "$OUT/fio")"; exit 1; }
	fio_says "$1" "$2"
}
refuse() { # LABEL ERROR COMMAND OPTIONS...
	# shellcheck disable=SC2086
	timeout 60 $3 fio $common --name=a --iodepth=32 "${@:4}" --output="$OUT/fio" 2> "$OUT/refused" || true
	[ "$(cut -d';' -f5 "$OUT/fio")" = "$2" ] || { echo "$1, ${3:-natively}: $(cat "$OUT/fio")"; exit 1; }
}
command=$*
uname -r
run "QD 32 with verify" 128 --name=a --iodepth=32 --verify=crc32c
run "QD 1 with verify" 128 --name=a --iodepth=1 --verify=crc32c
run "registered files" 128 --name=a --iodepth=32 --registerfiles --verify=crc32c
# Registered buffers: EINVAL, as natively. With sqthread_poll a kernel thread takes the entries before the shim sees
# them: the result is the kernel's own.
refuse "fixed buffers" 22 "$command" --registerfiles --fixedbufs
case $(uname -r) in
5.* | 6.1.*) refuse "sqthread_poll" 95 "$command" --sqthread_poll=1 ;;
*)
	refuse "fixed buffers" 22 "" --registerfiles --fixedbufs
	run "sqthread_poll" 128 --name=a --iodepth=32 --sqthread_poll=1 --verify=crc32c
	;;
esac
run "nonvectored" 128 --name=a --iodepth=32 --nonvectored=0 --verify=crc32c
run "4 threads" 512 --name=a --iodepth=32 --numjobs=4 --thread --offset_increment=2M --verify=crc32c
run "4 processes" 512 --name=a --iodepth=32 --numjobs=4 --offset_increment=2M --verify=crc32c
case $(uname -r) in
5.*) ;;
*) run "hipri" 128 --name=a --iodepth=32 --hipri --verify=crc32c ;;
esac
echo $wanted > "$OUT/wanted"
