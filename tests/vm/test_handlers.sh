#!/bin/bash
# SPDX-License-Identifier: MIT
# Atomic writes in signal handlers, at any moment of a program that allocates, loads libraries and
# writes to a disk that does not answer: no hang, none fails, and none to the other disk takes 0.1 s.
# UNTORN_HANDLER_SECONDS (15).
set -eu
. tests/vm/lib.sh

seconds=${UNTORN_HANDLER_SECONDS:-15}
vm -k 6.1 -c -t $((seconds + 100)) -d '32M;;atomic.nawun=31,atomic.nawupf=31' -- \
	"bash tests/vm/guest_handlers.sh $seconds build/untorn run --"
