#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/vm/races.c over the simulated disk: descriptor numbers change between two of its partitions, and between a
# partition and the whole disk, while a thread writes through them. Each write of the file with O_DSYNC must have FUA
# at the disk. UNTORN_RACE_SECONDS (0.2) for each race.
set -eu
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library would have to come first"; exit 77 ;; esac
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
trap 'rm -rf "$work"' EXIT
races=$(realpath "$BUILD/tests/vm/races") untorn=$(realpath "$BUILD/untorn")
cd "$work"
sim=/dev/sim0n1=$work/image,size=64M,nawupf=31,part=2048+32768,part=40960+32768
run() { "$untorn" run --sim="$sim" -- "$races" /dev/sim0n1 /dev/sim0n1p1 $((2048 * 512)) /dev/sim0n1p2 "$@"; }
run "${UNTORN_RACE_SECONDS:-0.2}"
sim=$sim,log=$work/log
run "${UNTORN_RACE_SECONDS:-0.2}" fua
with=$(grep -c '^write slba=2056 .*fua=1' log) without=$(grep -c '^write slba=40968 .*fua=0' log)
echo "O_DSYNC: $with with FUA; none: $without without"
! grep -E '^write slba=2056 .*fua=0' log || { echo "a write lost its FUA"; exit 1; }
[ "$with" -gt 10 ] && [ "$without" -gt 10 ]
[ "$(grep -c '^write' log)" = $((with + $(grep -c '^write slba=40968 ' log))) ]
