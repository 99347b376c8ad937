#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn doctor on the simulated disk with closed or full standard streams: output that cannot be written must be a
# failure, and an opened device must not get the number of a stream, where messages would go into it.
set -u
case $BUILD in
*address* | *thread*) echo "SKIP: the simulated disk would come before the sanitizer" && exit 77 ;;
esac
BUILD=$(realpath "$BUILD")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD UNTORN_MODE UNTORN_NVME_LIMITS
export UNTORN_SIM="/dev/sim0n1=$work/image,size=1M,existing,nawun=31,nawupf=31"
rows=0 failed=0

# STATUS, or "not 0"|REDIRECTIONS|OPTIONS AND DEVICE
while IFS='|' read -r want redirections arguments; do
	rows=$((rows + 1))
	head -c 1M /dev/zero > "$work/image"
	(
		exec < /dev/null > "$work/text" 2> "$work/messages"
		eval "exec $redirections"
		# shellcheck disable=SC2086 # several words
		LD_PRELOAD=$BUILD/libuntorn-sim.so exec "$BUILD/untorn" doctor $arguments
	)
	status=$?
	[ "$status" = "$want" ] || { [ "$want" = "not 0" ] && [ "$status" != 0 ]; } || {
		failed=$((failed + 1))
		echo "FAILED $arguments $redirections: status $status, not $want"
	}
	written=$(tr -d '\0' < "$work/image" | head -c 60)
	[ -z "$written" ] || {
		failed=$((failed + 1))
		echo "FAILED $arguments $redirections: the device now begins with: $written"
	}
done << 'EOF'
0|< /dev/null|/dev/sim0n1
0|<&-|/dev/sim0n1
0|2>&-|/dev/sim0n1
0|<&- 2>&-|/dev/sim0n1
not 0|>&-|/dev/sim0n1
not 0|>&-|--json /dev/sim0n1
not 0|<&- >&-|/dev/sim0n1
not 0|>&- 2>&-|/dev/sim0n1
not 0|<&- >&- 2>&-|/dev/sim0n1
not 0|> /dev/full|/dev/sim0n1
not 0|> /dev/full|--json /dev/sim0n1
not 0|> /dev/full 2> /dev/full|/dev/sim0n1
not 0|> /dev/full|--help
EOF

echo "$rows rows, $failed failed"
[ "$failed" = 0 ]
