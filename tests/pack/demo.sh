#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the README's first steps as a newcomer does, in a Debian 12 with only a compiler, git and make.
set -eu
. tests/pack/lib.sh

new_root demo bookworm gcc libc6-dev git make ca-certificates
put_source "$roots/demo/src"
quietly "make demo" inside demo make -C /src demo
grep -a 'torn pages' "$roots/log"

# The README's commands for the simulated disk, unchanged.
commands=$(sed -n '/^## A first atomic write/,/^## /s/^    //p' README.md |
	sed -e :a -e '/\\$/{N;s/\\\n *//;ba' -e '}' | grep /tmp/untorn-)
quietly "a first atomic write" inside demo sh -euc "cd /src; $commands"
seen=$(tail -n 1 "$roots/log")
grep -qF "\`$seen\`" README.md || { echo "FAILED not as the README has it: $seen"; exit 1; }
echo "a first atomic write: $seen"

quietly "make install" inside demo make -C /src install
inside demo untorn --version
quietly "make uninstall" inside demo make -C /src uninstall
! inside demo find /usr/local | grep untorn
