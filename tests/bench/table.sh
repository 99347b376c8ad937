#!/bin/bash
# SPDX-License-Identifier: MIT
# Prints the costs of the shim as a table: tests/bench/table.sh BUILD-DIR
# This is no test: a missed target is not a failure.
set -eu -o pipefail
build=$(realpath "$1") shim=$(realpath "$1")/libuntorn.so
bench=$build/tests/bench

not_had() { echo "    not to be had here"; }
on_loop() {
	local file loop
	file=$(mktemp)
	truncate -s 64M "$file"
	if loop=$(losetup --show --direct-io=on -f "$file"); then
		"$bench/fences" "$loop" || not_had
		losetup -d "$loop"
	fi
	rm "$file"
}
title() { printf '\n%s\n' "$*"; }

printf '%-50s %10s %10s %-9s%6s %9s  %s\n' '' bare untorn '' ratio more target
title "This machine: Linux $(uname -r | cut -d- -f1), $(nproc) processors. Calls that are not ours, past the shim and through it:"
LD_PRELOAD=$shim "$bench/calls" || not_had

title "The same past the simulated disk's library and through it, while no disk is open:"
over_sim() {
	local folder
	folder=$(mktemp -d)
	UNTORN_SIM=/dev/sim0n1=$folder/image LD_PRELOAD=$build/libuntorn-sim.so "$bench/calls" || not_had
	rm -r "$folder"
}
over_sim

title "A program's start, without and with it:"
"$bench/exec" "$shim"

title "Deep mode: a thread that is not trapped, and one that is:"
"$build/untorn" run --deep -- "$bench/deep" || not_had

title "Our own time beside a command, which takes none here; io_uring on one processor:"
[ "$(id -u)" != 0 ] || on_loop
# On one processor, as in the guests: in a virtual machine our threads' wake-up of another processor can take as long as
# many writes.
taskset -c 0 "$bench/ring" || not_had

# Everything is emulated in the guest: only the ratios count. One processor: our threads have their own affinity.
guest() { # KERNEL COMMAND
	tests/vm/vm -k "$1" -p maxcpus=1 -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- "$2" || not_had
}
disk="LD_PRELOAD=$shim taskset -c 0 $bench/disk /dev/nvme0n1"
title "QEMU's NVMe disk, emulated, Linux 6.1, 16 KiB, O_DIRECT: plain writes, and atomic ones by untorn:"
guest 6.1 "$disk 1.2"
title "The same, Linux 7: native atomic writes, and atomic ones by untorn with UNTORN_MODE=command:"
guest 7 "UNTORN_MODE=command $disk"
title "Memory of a process that writes like that, Linux 6.1:"
guest 6.1 "$bench/memory $shim /dev/nvme0n1"
