#!/bin/bash
# SPDX-License-Identifier: MIT
# A program built with musl, under a shim built with musl, which musl's loader loads; on Linux 6.1.
set -eu
. tests/vm/lib.sh

command -v musl-gcc > /dev/null || { echo "SKIP: no musl-gcc"; exit 77; }
# The kernel's headers lie among glibc's: search that folder last.
make -s CC=musl-gcc B=build-musl CPPFLAGS="-idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)" \
	build-musl/libuntorn.so build-musl/tests/vm/musl > "$scratch_root/log" || { cat "$scratch_root/log"; exit 1; }
readelf -l build-musl/tests/vm/musl | grep -q ld-musl || { echo "this is no program of musl's"; exit 1; }
expect() { [ "$1" = "$2" ] || { echo "'$1', not '$2'"; exit 1; }; }
said=$(vm -d "16M;;atomic.nawun=31,atomic.nawupf=31" -- "
	build-musl/tests/vm/musl /dev/nvme0n1
	LD_PRELOAD=$PWD/build-musl/libuntorn.so build-musl/tests/vm/musl /dev/nvme0n1")
expect "$said" "max=0 written=-1 in-thread=-1 in-child=256
max=16384 written=16384 in-thread=16384 in-child=0"
echo "$said"
