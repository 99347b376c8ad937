#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests that the EXPORT marks, shim.map and the library's exported symbols are the same names, without a version,
# and that the library needs nothing but libc (loader and sanitizers aside): tests/exports.sh LIBRARY
set -eu
marks() {
	sed -nE 's/^EXPORT .*[ *]([a-z0-9_]+)\(.*/\1/p' shim/door/*.c
	sed -nE 's/^.*"\.globl ([a-z0-9_]+)\\n".*/\1/p' shim/door/*.c
}
compare() { # NAME LIST LIST
	diff <(echo "$2") <(echo "$3") || { echo "exports: $1 differ"; exit 1; }
}
marked=$(marks | sort -u)
mapped=$(sed -nE '/global:/,/local:/s/^\t\t([a-z0-9_]+);/\1/p' shim.map | sort)
real=$(nm -D --defined-only "$1" | awk '{ print $NF }' | sort)
compare "EXPORT marks and shim.map" "$marked" "$mapped"
compare "shim.map and the library" "$mapped" "$real"
needed=$(readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | grep -vE '^(libc\.so\.6|ld-linux.*|lib[a-z]+san\.so.*)$' || true)
[ -z "$needed" ] || { echo "exports: the library needs more than libc: $needed"; exit 1; }
