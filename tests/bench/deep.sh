#!/bin/bash
# SPDX-License-Identifier: MIT
# What deep mode costs (deep.c), on this machine: tests/bench/deep.sh BUILD-DIR
set -eu
echo "deep mode, Linux $(uname -r):"
"$1/untorn" run --deep -- "$1/tests/bench/deep" || echo "not to be had"
