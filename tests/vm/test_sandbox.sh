#!/bin/bash
# SPDX-License-Identifier: MIT
# Atomic writes in a seccomp sandbox that kills for any system call that untorn-guest(7) does not name (sandbox.c).
# The program installs it before or after its first write: with all calls that the manual names, without those that
# it says may be refused, or without ioctl or pwrite64. The errno of a refused write must be EOPNOTSUPP, as natively.
set -eu
. tests/vm/lib.sh

for name in $(build/tests/vm/sandbox names); do
	grep -qw "$name" man/untorn-guest.7 || { echo "untorn-guest(7) does not name $name"; exit 1; }
done
expected='after all: done done
after refuse: done done
after ioctl: done EOPNOTSUPP
after pwrite: done EOPNOTSUPP
before all: done
before refuse: EOPNOTSUPP
before ioctl: EOPNOTSUPP
before pwrite: EOPNOTSUPP'
for kernel in 5.10 6.1; do
	# The unit comes from devices.conf, which the filter may later hide.
	told=$(vm -k $kernel -d '64M;atomic.awun=31,atomic.awupf=31;' -- "
		mkdir /etc/untorn && echo 'model=* nvme-limits=controller' > /etc/untorn/devices.conf
		for when in after before; do
			for what in all refuse ioctl pwrite; do
				build/untorn run -- build/tests/vm/sandbox /dev/nvme0n1 \$when \$what > /tmp/told 2>&1 || true
				echo \"\$when \$what: \$(cat /tmp/told)\"
			done
		done" | sed 's/: */: /')
	diff - <(echo "$told") <<< "$expected" || { echo "kernel $kernel"; exit 1; }
	echo "kernel $kernel: as the manual says"
done
