#!/bin/bash
# SPDX-License-Identifier: MIT
# Atomic writes in signal handlers, at any moment of a program that allocates memory, loads libraries and writes to a
# disk that does not answer (handlers.c, on a real kernel). Nothing may hang, no write may fail, and none to the disk
# that answers may take more than 1 s. UNTORN_HANDLER_SECONDS (15).
set -eu
. tests/vm/lib.sh

seconds=${UNTORN_HANDLER_SECONDS:-15}
vm -k 6.1 -c -t $((seconds + 100)) -d '32M;;atomic.nawun=31,atomic.nawupf=31' -- \
	"bash tests/vm/guest_handlers.sh $seconds build/untorn run --"
