#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn doctor must give the same numbers in its first line and in JSON, for every way in which a simulated disk may
# qualify or not. It must not write to the disk.
set -u
case $BUILD in
*address* | *thread*) echo "SKIP: the simulated disk would come before the sanitizer" && exit 77 ;;
esac
command -v jq > /dev/null || python3 -c 'import json' 2> /dev/null ||
	{ echo "SKIP: neither jq nor python3 is here" && exit 77; }
BUILD=$(realpath "$BUILD")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD UNTORN_MODE UNTORN_NVME_LIMITS
rows=0 failed=0

fail() {
	failed=$((failed + 1))
	echo "FAILED $*"
}

doctor() { # OPTIONS ARGUMENTS...
	UNTORN_SIM="/dev/sim0n1=$work/image,size=16M,existing,log=$work/log,$1" \
		LD_PRELOAD=$BUILD/libuntorn-sim.so "$BUILD/untorn" doctor "${@:2}"
}

from_json() { # "STATUS LANE MIN MAX"
	if command -v jq > /dev/null; then
		jq -r '[{yes: 0, no: 1, unknown: 2}[.qualifies], .lane, .unit_min, .unit_max] |
			join(" ")'
	else
		python3 -c 'import json, sys; o = json.load(sys.stdin)
print(["yes", "no", "unknown"].index(o["qualifies"]), o["lane"], o["unit_min"], o["unit_max"])'
	fi
}

from_text() { # STATUS FIRST-LINE
	local line=${2#*: }
	if [[ $line =~ ^atomic\ writes\ of\ ([0-9]+)(\ to\ ([0-9]+))?\ bytes ]]; then
		echo "$1 command ${BASH_REMATCH[1]} ${BASH_REMATCH[3]:-${BASH_REMATCH[1]}}"
	else
		echo "$1 none 0 0"
	fi
}

# WANTED (status, lane, smallest and largest unit)|OPTIONS OF THE DISK|ARGUMENTS
while IFS='|' read -r want options arguments; do
	rows=$((rows + 1))
	head -c 16M /dev/zero > "$work/image"
	# shellcheck disable=SC2086 # several words
	doctor "$options" $arguments > "$work/text" 2> "$work/messages"
	text=$(from_text $? "$(head -n 1 "$work/text")")
	# shellcheck disable=SC2086 # several words
	doctor "$options" --json $arguments > "$work/json" 2>> "$work/messages"
	json=$(from_json < "$work/json")
	[ "$text" = "$want" ] || fail "$options $arguments: text says $text, not $want"
	[ "$json" = "$want" ] || fail "$options $arguments: JSON says $json, not $want"
	[ ! -s "$work/messages" ] || fail "$options $arguments: $(cat "$work/messages")"
	[ ! -s "$work/log" ] || fail "$options $arguments: commands: $(cat "$work/log")"
	cmp -s -n 16777216 "$work/image" /dev/zero || fail "$options $arguments: the disk changed"
done << 'EOF'
0 command 512 16384|nawun=31,nawupf=31|/dev/sim0n1
0 command 512 16384|nawun=63,nawupf=31|/dev/sim0n1
0 command 512 16384|nawun=31,nawupf=31,nabsn=63,nabspf=63|/dev/sim0n1
0 command 4096 131072|nawun=31,nawupf=31,lba=4096|/dev/sim0n1
0 command 512 16384|nawun=31,nawupf=31,ms=8,pi=1|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,ms=8,pi=2|/dev/sim0n1
0 command 512 16384|nawun=31,nawupf=31,ms=8,pi=3|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,ms=8|/dev/sim0n1
0 command 512 512|awun=31,awupf=31|/dev/sim0n1
0 command 512 16384|awun=31,awupf=31|--nvme-limits=controller /dev/sim0n1
0 command 512 512|awun=31,awupf=31|--nvme-limits=namespace /dev/sim0n1
0 command 512 512|nawun=31,nawupf=31,nsfeat=0|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,nabo=1|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,nabsn=47,nabspf=47|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,zoned=host-managed|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,kind=none|/dev/sim0n1
2 none 0 0|nawun=31,nawupf=31,unprivileged|/dev/sim0n1
0 command 512 16384|nawun=31,nawupf=31,nosubmit|/dev/sim0n1
0 command 512 32768|nawun=255,nawupf=255,max_hw_sectors_kb=32|/dev/sim0n1
0 command 512 1024|nawun=31,nawupf=31,max_segments=2|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,max_segments=0|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,max_hw_sectors_kb=0|/dev/sim0n1
1 none 0 0|nawun=31,nawupf=31,chunk_sectors=8|/dev/sim0n1
0 command 16384 16384|amazon=31:31:63|/dev/sim0n1
0 command 16384 16384|amazon=31:31:63,part=2048+4096|/dev/sim0n1p1
1 none 0 0|amazon=31:31:63,part=2047+4096|/dev/sim0n1p1
1 none 0 0|amazon=31:31:63,part=2080+4096|/dev/sim0n1p1
0 command 512 16384|nawun=31,nawupf=31,part=2048+4096|/dev/sim0n1p1
0 command 512 16384|nawun=31,nawupf=31,part=2047+4096|/dev/sim0n1p1
1 none 0 0|nawun=31,nawupf=31,nabsn=63,nabspf=63,part=2080+4096|/dev/sim0n1p1
EOF

echo "$rows rows, $failed failed"
[ "$failed" = 0 ]
