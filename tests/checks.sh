# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the including scripts use them
# Included by tests of the command over the simulated disk. $u is the disk's node; $work is a new folder, which is
# removed at the end. After the last check, `bad` is 1 if a check failed, and `checks` is the number of checks.
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library comes first"; exit 77 ;; esac
BUILD=$(realpath "$BUILD")
untorn=$BUILD/untorn simulated=$BUILD/libuntorn-sim.so
unset LD_PRELOAD UNTORN_MODE UNTORN_NVME_LIMITS UNTORN_SIM
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0 checks=0 left_out=
u=/dev/sim0n1

fail() { echo "$*"; bad=1; }
equal() { # WHAT GOT WANTED
	checks=$((checks + 1))
	[ "$2" = "$3" ] || fail "$1: '$2', not '$3'"
}
