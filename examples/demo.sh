#!/bin/bash
# SPDX-License-Identifier: MIT
# Shows the use of untorn on a simulated disk: make demo, or examples/demo.sh BUILD-DIR.
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
exec 3>&2 # for messages while standard error is the programs'
fail() { tail -n 5 "$work/stderr" >&3; echo "$*" >&3; exit 1; }
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
		[ $status = 137 ] || fail "the power was not cut: status $status"
		found=$(without '' "$build/examples/pages" check /dev/sim0n1 50) || true
		total=$((total + found))
	done 2> "$work/stderr"
	echo "$total"
}
plain=$(torn plain)
echo "   plain writes, without untorn:     $plain torn pages"
atomic=$(torn atomic)
echo "   RWF_ATOMIC, under untorn:         $atomic torn pages"
[ "$plain" -gt 0 ] || fail "plain writes were not torn, which was to be shown"
[ "$atomic" = 0 ] || fail "atomic writes were torn"

cuts=$(((cuts + 3) / 4))
printf '\n4. An engine with 32 asynchronous writes under way at once. Power cuts for each line: %s.\n' "$cuts"
echo "   It acknowledges its writes round by round. A page is lost if it is whole, but older than"
echo "   what was acknowledged."
damage() { # with|without OPTIONS [plain|noflush]: the torn and the lost pages of all power cuts
	local torn=0 lost=0 seed status newest found
	for ((seed = 1; seed <= cuts; seed++)); do
		rm -f "$work/image"
		status=0
		"$1" ",cut_max=200,seed=$seed$2" "$build/examples/engine" write /dev/sim0n1 100 "${@:3}" \
			> "$work/acknowledged" || status=$?
		[ $status = 137 ] || fail "the power was not cut: status $status"
		newest=$(tail -n 1 "$work/acknowledged")
		found=$(without '' "$build/examples/engine" check /dev/sim0n1 "${newest:-0}") || [ $? = 1 ] ||
			fail "the check failed"
		[[ $found =~ ^([0-9]+)\ torn,\ ([0-9]+)\ lost$ ]]
		torn=$((torn + BASH_REMATCH[1]))
		lost=$((lost + BASH_REMATCH[2]))
	done 2> "$work/stderr"
	echo "$torn torn, $lost lost"
}
shows() { # TEXT PATTERN RESULT
	printf '   %-33s %s\n' "$1" "$3"
	[[ $3 =~ ^$2$ ]] || fail "that is not what was to be shown"
}
some='[1-9][0-9]*'
shows "plain writes, without untorn:" "$some torn, 0 lost" "$(damage without '' plain)"
shows "RWF_ATOMIC, under untorn:" "0 torn, 0 lost" "$(damage with '')"
echo "   Now the disk has a volatile write cache (cache=1M):"
shows "RWF_ATOMIC, no flush:" "0 torn, $some lost" "$(damage with ,cache=1M noflush)"
shows "RWF_ATOMIC, flushes each round:" "0 torn, 0 lost" "$(damage with ,cache=1M)"
printf '\nOn a real disk, from here or after make install: sudo %s/untorn doctor /dev/nvme0n1\n' "${1:-build}"
