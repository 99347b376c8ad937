#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the examples of untorn(1) and untorn-verify(1) as they are written; their exit statuses must be these, in order.
set -eu -o pipefail
. tests/vm/lib.sh

vm -c -k 6.1 -t 900 -d "64M;;atomic.nawun=31,atomic.nawupf=31" -- bash tests/vm/guest_examples.sh \
	> "$scratch_root/said"
statuses=$(sed -nE 's/^([0-9]+) .*/\1/p' "$scratch_root/said" | tr '\n' ' ')
case $statuses in
# A power cut at the 300th write may leave that write untouched or whole.
"0 0 0 0 0 0 0 0 0 0 0 0 0 137 0 " | "0 0 0 0 0 0 0 0 0 0 0 0 0 137 1 ") echo "$(wc -w <<< "$statuses") examples" ;;
*) cat "$scratch_root/said"; exit 1 ;;
esac
