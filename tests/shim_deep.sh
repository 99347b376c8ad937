#!/bin/bash
# SPDX-License-Identifier: MIT
# Deep mode does no harm: every test over the simulated disk passes with it as without, and what they
# do by syscall() on rings is done by instructions of their own (ring_doors.h).
set -u
case $BUILD in *address* | *thread*) echo "SKIP: their own runs take their time"; exit 77 ;; esac
"$BUILD/untorn" run --deep -- true || { echo "SKIP: no deep mode on this kernel"; exit 77; }
UNTORN_DEEP=1 tests/run.sh "$BUILD" "$BUILD"/tests/preload_[!d]*[!.][!d]
