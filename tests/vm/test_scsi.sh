#!/bin/bash
# SPDX-License-Identifier: MIT
# SCSI on kernels without RWF_ATOMIC. Each atomic write of an unmodified program must be one WRITE ATOMIC (16) in the
# log of the disk: on the disk and on a partition, with and without a boundary, as root and as an ordinary user. Also
# faults of the disk, and a disk that is removed. Each command must come once, even if the process is stopped
# meanwhile.
set -eu
. tests/vm/lib.sh

for kernel in 5.10 6.1; do
	out=$(scratch)
	vm -k $kernel -c -t 450 -o "$out" -- bash tests/vm/guest_scsi_clients.sh
	for run in disk partition boundary user faults; do
		[ -s "$out/$run.wanted" ] || { echo "kernel $kernel: $run: nothing was written"; exit 1; }
		diff "$out/$run.wanted" "$out/$run.sent" > "$out/diff" ||
			{ head "$out/diff"; echo "kernel $kernel: $run"; exit 1; }
		echo "kernel $kernel: $run: $(wc -l < "$out/$run.sent") calls, as many commands"
	done
done
for kernel in 6.12 7; do vm -k $kernel -- bash tests/vm/guest_scsi_native.sh; done
