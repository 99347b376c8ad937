#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/layers.sh must accept an include of a lower floor, and refuse one of a higher floor or of one beside.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rows=0 failed=0

row() { # accepted|refused FILE HEADER
	local answer=accepted
	rm -rf "$work/shim" && mkdir -p "$work/shim/$(dirname "$2")"
	printf '#include "%s"\n' "$3" > "$work/shim/$2"
	tests/layers.sh "$work/shim" > "$work/said" || answer=refused
	rows=$((rows + 1))
	[ $answer = "$1" ] && { [ $answer = accepted ] || grep -q "^$2" "$work/said"; } && return
	failed=$((failed + 1))
	echo "$2 includes $3: $answer, not $1"
	cat "$work/said"
}
row accepted base/log.c base/log.h
row accepted base/log.c untorn.h
row accepted door/aio.c base/log.h
row accepted door/aio.c async/aio.h
row accepted verify/verify.c command/command.h
row accepted verify/verify.c engine/engine.h
row accepted run/run.c command/command.h
row refused command/stat.c run/check.h
row refused run/run.c verify/page.h
row accepted sim/disk.c sim/sim.h
row refused base/log.c rules/request.h
row refused rules/request.h device/device.h
row refused device/cache.c engine/engine.h
row refused engine/engine.c async/aio.h
row refused async/aio.c door/entry.h
row refused command/stat.c door/entry.h
row refused command/stat.c async/aio.h
row refused command/stat.c verify/page.h
row refused verify/page.c async/ring.h
row refused sim/disk.c base/log.h
row refused door/aio.c sim/sim.h
row refused base/log.c log.h
row refused base/log.c ../rules/request.h
row refused elsewhere/log.c untorn.h
row refused log.c untorn.h
echo "$rows rows, $failed failed"
[ $failed = 0 ]
