#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: guest_report.sh DISK OPTION... leaves reports of three programs in $OUT, and in $OUT/doors the
# number of commands of each door.
set -eu
disk=$1
shift

report() { # NAME COMMAND...
	build/untorn run --report="$OUT/$1.json" "${options[@]}" -- "${@:2}" > "$OUT/said" 2>&1 ||
		{ cat "$OUT/said"; exit 1; }
	python3 -c '
import json, sys
for device in json.load(open(sys.argv[1]))["devices"]:
    for door in device["doors"]:
        print(sys.argv[1].split("/")[-1], door["door"], door["commands"])' "$OUT/$1.json" >> "$OUT/doors"
}
options=("$@")
# fio forks three processes, which end by _exit().
report pwritev2 fio --name=atomic --filename="$disk" --ioengine=pvsync2 --atomic=1 --direct=1 --bs=16k \
	--rw=randwrite --size=8M --numjobs=3 --output-format=terse
report libaio fio --name=atomic --filename="$disk" --ioengine=libaio --atomic=1 --direct=1 --bs=16k \
	--iodepth=8 --rw=randwrite --size=8M --output-format=terse
report io_uring build/tests/vm/ring_random "$disk" 300 8
