#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: runs the examples of untorn(1) and untorn-verify(1) as they are written. First it makes all that they
# name: the command and its libraries under /usr/local, a program, and another host, which is this one. It
# interrupts the examples that do not end by themselves. Prints each example with its exit status.
set -u
mkdir -p /usr/local/bin /usr/local/lib /var/tmp /tmp/here
cp build/untorn /usr/local/bin/
cp build/libuntorn*.so /usr/local/lib/
cp build/examples/statx /tmp/here/my-engine # not a program that writes: the image is on a tmpfs, without direct I/O
printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' > /usr/local/bin/ssh
chmod 755 /usr/local/bin/ssh
PATH=/usr/local/bin:$PATH
sed -n '/^\.SH EXAMPLES/,/^\.SH SEE/{/^\.EX/,/^\.EE/p}' man/untorn.1 man/untorn-verify.1 |
	sed '/^\./d; s/\\-/-/g; s/\\e$/\\/' > /tmp/examples
cd /tmp/here || exit

interrupt() {
	local process
	sleep 10
	for process in /proc/[0-9]*; do
		[ "$(cat "$process/comm" 2> /dev/null)" != untorn ] || kill -INT "${process#/proc/}"
	done
}
# Without -r, read joins continued lines.
# shellcheck disable=SC2162
while read command <&3; do
	case $command in *--power-cut=-*) interrupt & ;; esac
	eval "$command" > said 2>&1
	echo "$? $command"
	sed 's/^/    /' said | head -n 20
done 3< /tmp/examples
