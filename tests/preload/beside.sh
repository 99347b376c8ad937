#!/bin/bash
# SPDX-License-Identifier: MIT
# The shim beside other libraries that replace functions it calls, over the simulated disk: jemalloc before and
# behind it in the preload, in a program with threads and forks; and a program built with ASAN, under the ordinary
# shim. Each must run through and send commands.
set -eu
case $BUILD in *address* | *thread*) echo "SKIP: the shim itself is the ordinary one here"; exit 77 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shim=$BUILD/libuntorn.so sim=$BUILD/libuntorn-sim.so
export UNTORN_SIM=/dev/sim0n1=$work/image,size=64M,lba=512,nawun=31,nawupf=31,log=$work/log

beside() { # LABEL PRELOAD PROGRAM...
	: > "$work/log"
	LD_PRELOAD=$2 timeout 60 "${@:3}" > "$work/said" 2>&1 ||
		{ cat "$work/said"; echo "$1: failed"; exit 1; }
	grep -q via=submit "$work/log" || { echo "$1: no command was sent"; exit 1; }
	echo "$1: $(grep -c via=submit "$work/log") commands"
}

jemalloc=$(ldconfig -p | sed -nE 's/.*libjemalloc\.so\.2 .*=> //p' | head -n 1)
[ -n "$jemalloc" ] || { echo "SKIP: libjemalloc.so.2 is not installed"; exit 77; }
for body in threads forked fork_storm from_constructor; do
	program=$BUILD/tests/preload/guest
	[ $body != fork_storm ] || program=$BUILD/tests/preload/hazard
	export EARLY_WRITE=1
	beside "jemalloc before, $body" "$jemalloc:$shim:$sim" "$program" --body $body
	beside "jemalloc behind, $body" "$shim:$sim:$jemalloc" "$program" --body $body
done

"${CC:-gcc}" -fsanitize=address -g -D_GNU_SOURCE -Iinclude -o "$work/one" examples/pwritev2.c
asan=$("${CC:-gcc}" -print-file-name=libasan.so)
beside "a program with ASAN" "$asan:$shim:$sim" "$work/one" /dev/sim0n1 0 16384
