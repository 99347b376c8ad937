#!/bin/bash
# SPDX-License-Identifier: MIT
# Unmodified fio's io_uring engine in deep mode (guest_deep.sh), on kernels without atomic writes and by command on
# kernels with them. Each write must be one Write command in QEMU's trace. Before Linux 5.11 `untorn run --deep`
# must fail and say why.
set -eu
. tests/vm/lib.sh

run() { # KERNEL OPTIONS...
	out=$(scratch)
	vm -k "$1" -c -t 200 -T -p nvme.poll_queues=1 -o "$out" -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- \
		"bash tests/vm/guest_deep.sh /dev/nvme0n1 build/untorn run --deep ${*:2} --"
	sent=$(commands "$out/trace" | grep -c ' 32$')
	[ "$sent" = "$(cat "$out/wanted")" ] && [ "$(commands "$out/trace" | wc -l)" = "$sent" ] ||
		{ echo "kernel $1: $sent commands of a unit, $(cat "$out/wanted") writes"; exit 1; }
	echo "kernel $1: $sent writes of fio's io_uring engine, as many commands"
}
refused() { # KERNEL
	out=$(scratch)
	vm -k "$1" -c -t 200 -o "$out" -- "build/untorn run --deep -- true > \$OUT/said 2>&1; echo \$? >> \$OUT/said"
	grep -q 'Linux 5.11' "$out/said" && [ "$(tail -n 1 "$out/said")" = 125 ] ||
		{ cat "$out/said"; echo "kernel $1: it should say why"; exit 1; }
	echo "kernel $1: $(head -n 1 "$out/said")"
}
run 6.1
run 6.12 --mode=command
run 7 --mode=command
refused 5.10
