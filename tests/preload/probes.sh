#!/bin/bash
# SPDX-License-Identifier: MIT
# A shim built with <sys/sdt.h> must have its static probes for tracers. They cost an untraced program only a nop: they
# must have no semaphore, which the shim would have to read.
set -eu
echo '#include <sys/sdt.h>' | ${CC:-gcc} -E - > /dev/null 2>&1 || { echo "SKIP: no <sys/sdt.h>"; exit 77; }
notes=$(readelf -n "$BUILD/libuntorn.so")
for probe in decision command completion; do
	grep -A1 'Provider: untorn' <<< "$notes" | grep -q "Name: $probe\$" ||
		{ echo "no probe $probe"; exit 1; }
done
if grep 'Semaphore: ' <<< "$notes" | grep -v 'Semaphore: 0x0*$'; then exit 1; fi
