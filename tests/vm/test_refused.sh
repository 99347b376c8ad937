#!/bin/bash
# SPDX-License-Identifier: MIT
# Devices without a promise that one command could keep (guest_refused.sh): no atomic write may reach any of them.
# QEMU's trace may have only the one command to the disk that promises.
set -eu -o pipefail
. tests/vm/lib.sh

unit=atomic.nawun=31,atomic.nawupf=31
for kernel in 5.10 6.1; do
	out=$(scratch)
	vm -k $kernel -c -T -o "$out" -t 200 \
		-d "16M;;$unit" -d "16M;;$unit" \
		-d "16M;;$unit,zoned=on,zoned.zone_size=4M" \
		-d "16M;;$unit,ms=64" -d "16M;;$unit,ms=8" -d "16M;;$unit,ms=8,pi=2" \
		-d "16M;;$unit,atomic.nabsn=63,atomic.nabspf=63,atomic.nabo=8" \
		-d "16M;;$unit,atomic.nabsn=47,atomic.nabspf=47" -- bash tests/vm/guest_refused.sh
	[ "$(commands "$out/trace" | wc -l)" = 1 ] || { commands "$out/trace" | head; exit 1; }
	echo "kernel $kernel: no command but the one to the disk that promises"
done
