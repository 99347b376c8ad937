#!/bin/bash
# SPDX-License-Identifier: MIT
# make install, from a build for another prefix, into a DESTDIR with a space, moved afterwards; and make dist, also in
# its own archive. Works on a copy of the build, because other tests use the build meanwhile.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: what is installed has no sanitizer" && exit 77 ;; esac
command -v make > /dev/null || { echo "SKIP: no make"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL MFLAGS LD_PRELOAD "${!UNTORN_@}"
cp -a "$BUILD" "$work/build"
rows=0 failed=0
# shellcheck disable=SC2016 # the started shell expands it
preload='echo $LD_PRELOAD'

equal() { # WHAT IS WANTED
	rows=$((rows + 1))
	[ "$2" = "$3" ] && return
	failed=$((failed + 1))
	printf 'FAILED %s: %s, not %s\n' "$@"
}
made() { make -s B="$work/build" "$@" > "$work/said" 2>&1 || { cat "$work/said"; equal "make $*" failed "no error"; }; }
files() { find "$1" -type f | sed "s|^$1||" | sort; }

made install prefix="$work/plain"
made install prefix=/opt/x DESTDIR="$work/a space"
equal "as many files with a space" "$(files "$work/a space/opt/x")" "$(files "$work/plain")"
equal "enough files" "$(files "$work/plain" | grep -c -e /bin/untorn$ -e /lib/libuntorn -e /man/ -e /untorn.pc$ -e completion)" \
	"$((6 + $(find man -type f | wc -l) - 1))"
equal "another prefix than it was installed to" "$(grep -rIl -e "$work" -e /usr/local "$work/a space")" ""
equal "the manual" "$(sed -n 's/^\.B LD_PRELOAD=//p' "$work/a space/opt/x/share/man/man7/libuntorn.7")" /opt/x/lib/libuntorn.so
equal "the command's own place" "$(grep -aq /opt/x/lib "$work/a space/opt/x/bin/untorn" && echo yes)" yes
made uninstall prefix=/opt/x DESTDIR="$work/a space"
equal "uninstalled" "$(files "$work/a space")" ""

mv "$work/plain" "$work/moved"
equal "moved" "$("$work/moved/bin/untorn" run -- sh -c "$preload")" "$work/moved/lib/libuntorn.so"
made install prefix="$work/two" libdir="$work/else-where"
equal "a libdir anywhere" "$("$work/two/bin/untorn" run -- sh -c "$preload")" "$work/else-where/libuntorn.so"
equal "a dash in it" "$(man -l "$work/two/share/man/man7/libuntorn.7" 2> "$work/said" | col -b | grep -o "LD_PRELOAD=$work/else-where/libuntorn.so" ||
	grep -o 'LD_PRELOAD=.*/else\\-where/libuntorn.so' "$work/two/share/man/man7/libuntorn.7" | sed 's,.*LD,LD,; s,\\,,g')" \
	"LD_PRELOAD=$work/else-where/libuntorn.so"
rm "$work/else-where/libuntorn.so"
said=$("$work/two/bin/untorn" run true 2>&1)
equal "the message names it" "${said#*, nor in the lib folder beside its bin, nor in }" "$work/else-where; make install puts it there"

made dist
mkdir "$work/unpacked" && tar -xzf "$work"/build/untorn-*.tar.gz -C "$work/unpacked"
make -s -C "$work"/unpacked/untorn-* dist > "$work/said" 2>&1 || cat "$work/said"
equal "the archive's own archive" "$(tar -tzf "$work"/unpacked/*/build/untorn-*.tar.gz | sort)" \
	"$(tar -tzf "$work"/build/untorn-*.tar.gz | sort)"
echo "$rows rows, $failed failed"
[ "$failed" = 0 ]
