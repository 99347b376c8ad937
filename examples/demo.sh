#!/bin/bash
# SPDX-License-Identifier: MIT
# What untorn is for, on a simulated disk: make demo, or examples/demo.sh BUILD-DIR.
set -eu
build=$(realpath "${1:-build}")
cuts=${UNTORN_DEMO_CUTS:-100}
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
trap 'rm -rf "$work"' EXIT
# The loader cannot preload from a path with a blank or a colon.
case $build in *[\ :]*) cp -a "$build" "$work" && build=$work/$(basename "$build") ;; esac
# A disk of 64 MiB in a file: NVMe, 512-byte blocks, and NAWUPF 31: 32 blocks are its atomic unit.
disk="/dev/sim0n1=$work/image,size=64M,nawun=31,nawupf=31"

without() { LD_PRELOAD=$build/libuntorn-sim.so UNTORN_SIM=$disk$1 "${@:2}"; }
with() { "$build/untorn" run --sim="$disk$1" -- "${@:2}"; }
show() { printf '\n$ %s\n' "$*"; }

echo "1. What does the disk promise? Linux $(uname -r) sees an NVMe disk that is simulated; its"
echo "   kernel side behaves like Linux 6.1, which knows nothing of atomic writes."
show "./statx /dev/sim0n1"
without '' "$build/examples/statx" /dev/sim0n1 || true
show "untorn run -- ./statx /dev/sim0n1"
with '' "$build/examples/statx" /dev/sim0n1

printf '\n2. One atomic write of 16 KiB by a program that knows only pwritev2(2) and RWF_ATOMIC.\n'
show "./pwritev2 /dev/sim0n1 0 16384"
without '' "$build/examples/pwritev2" /dev/sim0n1 0 16384 2>&1 || true
show "untorn run -- ./pwritev2 /dev/sim0n1 0 16384"
with ",log=$work/log" "$build/examples/pwritev2" /dev/sim0n1 0 16384
echo "the disk was sent:"
sed 's/^/    /' "$work/log"

printf '\n3. %s power cuts while pages of 16 KiB are written.\n' "$cuts"
torn() { # plain|atomic: cuts the power once per seed, and counts the torn pages found afterwards
	local total=0 found seed status
	for ((seed = 1; seed <= cuts; seed++)); do
		rm -f "$work/image"
		status=0
		case $1 in
		plain) without ",cut_max=200,seed=$seed" "$build/examples/pages" write /dev/sim0n1 50 plain ;;
		atomic) with ",cut_max=200,seed=$seed" "$build/examples/pages" write /dev/sim0n1 50 ;;
		esac || status=$?
		# The cut comes at a write that depends on the seed, and takes the program with it.
		[ $status = 137 ] || { echo "the power was not cut: status $status" >&2; exit 1; }
		found=$(without '' "$build/examples/pages" check /dev/sim0n1 50) || true
		total=$((total + found))
	done 2> "$work/stderr"
	echo "$total"
}
plain=$(torn plain)
echo "   plain writes, without untorn:     $plain torn pages"
atomic=$(torn atomic)
echo "   RWF_ATOMIC, under untorn:         $atomic torn pages"
[ "$plain" -gt 0 ] && [ "$atomic" = 0 ] || { echo "that is not what was to be shown"; exit 1; }
printf '\nOn a real disk, from here or after make install: sudo %s/untorn doctor /dev/nvme0n1\n' "${1:-build}"
