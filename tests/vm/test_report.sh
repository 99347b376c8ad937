#!/bin/bash
# SPDX-License-Identifier: MIT
# The counts of `untorn run --report` must be what the device has seen: the Write commands in QEMU's trace, and their
# bytes. The programs: unmodified fio, by pwritev2 in several processes and by libaio, and a liburing program; on a
# kernel without atomic writes, and by command on one with them.
set -eu
. tests/vm/lib.sh

run() { # KERNEL OPTION...
	out=$(scratch)
	vm -k "$1" -c -t 200 -T -o "$out" -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- \
		"bash tests/vm/guest_report.sh /dev/nvme0n1 ${*:2}"
	check "$1"
}
# Compares the totals, and the commands of each door.
check() { # KERNEL
	local counted seen
	counted=$(python3 - "$out"/*.json <<- 'END'
		import json, sys
		commands = bytes = 0
		for path in sys.argv[1:]:
		    for device in json.load(open(path))["devices"]:
		        for door in device["doors"]:
		            assert not door["failed"] and not door["refused"] and not door["kernel"], door
		            assert sum(b["count"] for b in door["latency"]) >= door["commands"] // 16, door
		            commands += door["commands"]
		            bytes += door["bytes"]
		print(commands, bytes)
	END
	)
	seen=$(commands "$out/trace" | awk '{ n++; blocks += $2 } END { print n, blocks * 512 }')
	[ "$counted" = "$seen" ] || { echo "kernel $1: counted $counted, the device saw $seen"; exit 1; }
	[ "${seen%% *}" -gt 2000 ] || { echo "kernel $1: only $seen"; exit 1; }
	diff - "$out/doors" <<- 'END'
		pwritev2.json pwritev2 1536
		libaio.json libaio 512
		io_uring.json io_uring 300
	END
	echo "kernel $1: counted $counted commands and bytes, as the device"
}
run 6.1
run 5.10
run 7 --mode=command
