#!/bin/bash
# SPDX-License-Identifier: MIT
# What io_uring costs through the shim: the mechanism of a write that leaves the program's ring (ring.c),
# and a submission without any (submit.c), on this machine. tests/bench/ring.sh BUILD-DIR
set -eu -o pipefail
build=$(realpath "$1")
echo "CPU time of an atomic write by io_uring beside its checks and its command, Linux $(uname -r):"
"$build/tests/bench/ring" || echo "not to be had"
# In a virtual machine most of it is what it costs to wake another processor.
echo "the same on one processor:"
taskset -c 0 "$build/tests/bench/ring" || echo "not to be had"
echo "CPU time of a submission without atomic writes:"
LD_PRELOAD=$build/libuntorn.so "$build/tests/bench/submit" || echo "not to be had"
