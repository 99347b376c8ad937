#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that are linked with the shim, or get it by patchelf, where LD_PRELOAD does not work. The loader must find
# the shim's functions before the C library's: else no command reaches the simulated disk.
set -eu
case $BUILD in *address* | *thread*) echo "SKIP: the shim itself is the ordinary one here"; exit 77 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD
BUILD=$(realpath "$BUILD")
export UNTORN_SIM=/dev/sim0n1=$work/image,size=64M,lba=512,nawun=31,nawupf=31,log=$work/log

writes() { # WHAT PROGRAM
	rm -f "$work/log"
	"$2" /dev/sim0n1 0 16384 > "$work/said" 2>&1 || { echo "$1: status $?"; cat "$work/said"; exit 1; }
	[ "$(grep -c via=submit "$work/log")" = 1 ] || { echo "$1: no command"; exit 1; }
}
# The simulated disk comes behind the shim, as in a preload.
link() { # PROGRAM SOURCE LIBRARIES...
	"${CC:-gcc}" -D_GNU_SOURCE -Iinclude -o "$work/$1" "$2" -L"$work" -Wl,-rpath,"$work" -Wl,--no-as-needed "${@:3}"
}

chmod 755 "$work"
cp "$BUILD"/libuntorn{,-sim}.so "$work/"
link linked examples/pwritev2.c -luntorn -luntorn-sim
writes "linked with -luntorn" "$work/linked"
if command -v patchelf > /dev/null; then
	link later examples/pwritev2.c -luntorn-sim
	patchelf --add-needed libuntorn.so "$work/later"
	writes "patchelf --add-needed" "$work/later"
else
	echo "not to be had here: patchelf"
fi

# A set-uid program: the loader ignores LD_PRELOAD, but not a linked library.
cat > "$work/version.c" <<'END'
#include <stdio.h>
#include <sys/auxv.h>
#include "untorn.h"
int main(void)
{
	printf("%ld %s\n", getauxval(AT_SECURE), untorn_version ? untorn_version() : "none");
	return 0;
}
END
if [ "$(id -u)" != 0 ] || ! command -v setpriv > /dev/null; then
	echo "not to be had here: another user"
	exit
fi
link preloaded "$work/version.c"
link needed "$work/version.c" -luntorn
chmod u+s "$work"/{preloaded,needed}
version=$("$work/needed")
for program in preloaded needed; do
	LD_PRELOAD=$work/libuntorn.so setpriv --reuid=65534 --clear-groups "$work/$program" > "$work/$program.said" 2> "$work/messages"
done
[ "$(cat "$work"/{preloaded,needed}.said)" = "1 none
1 ${version#0 }" ] || { cat "$work"/*.said; exit 1; }
