#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests that the source builds without a warning; prints a line for each build: gcc, clang, musl, arm64, and the
# C library and kernel headers of Debian 11 (glibc 2.31, Linux 5.10) and of sid. clang, Debian 11, sid and arm64
# (under qemu-user) also run the unit tests; Debian 11 and sid also run tests of the shim over the simulated disk.
# A failure is a warning, an error or a failed test. Start it by make builds, or tests/builds.sh NAME...
# shellcheck disable=SC2317 # functions are called by name
set -eu
. tests/pack/lib.sh
failed=0
rooms="pkg-config libjson-c-dev libblkid-dev check"

# Builds the library, the simulated disk and the command in a build directory of their own.
build() { # NAME MAKE-SETTING...
	local directory=build-$1
	quietly "$1" make CFLAGS='-O2 -g -Werror' "B=$directory" "${@:2}" "$directory/libuntorn.so" \
		"$directory/libuntorn-sim.so" "$directory/untorn"
}

said() { # NAME: and how many tests passed, if any ran
	printf '%-10s built%s\n' "$1" \
		"$(awk '/^[0-9]+ passed/ { printf ", %s: %s", n++ ? "simulated disk" : "unit tests", $0 }' "$roots/log")"
}

# The preload tests that need no newer C library or liburing than bullseye's.
preloads=$(printf 'build/tests/preload/%s ' write statx scsi syscall root deep_handler deep_signal)
in_root() { # NAME SUITE PACKAGE...
	new_root "$@"
	put_source "$roots/$1/src" || return
	quietly "$1" inside "$1" make -C /src CFLAGS='-O2 -g -Werror' shim build/untorn unit \
		preload "PRELOAD=$preloads"
}

build_gcc() { build gcc CC=gcc; }
build_clang() {
	build clang CC=clang &&
		quietly clang make CC=clang CFLAGS='-O2 -g -Werror' B=build-clang unit
}
build_musl() {
	# The kernel's headers lie among glibc's: search that folder last.
	quietly musl make CC=musl-gcc CFLAGS='-O2 -g -Werror' B=build-musl \
		CPPFLAGS="-idirafter /usr/include -idirafter /usr/include/$(gcc -print-multiarch)" \
		build-musl/libuntorn.so build-musl/tests/vm/musl
}
# shellcheck disable=SC2086 # several words
build_bullseye() { in_root bullseye bullseye build-essential $rooms libaio-dev liburing-dev; }
# shellcheck disable=SC2086
build_sid() { in_root sid sid build-essential $rooms libaio-dev liburing-dev; }

# A container cannot register binfmt_misc: so qemu starts each test.
build_arm64() {
	local tree status=0
	tree=$(tests/vm/fetch.sh tree bookworm:arm64 libc6-dev libjson-c-dev libblkid-dev check libaio-dev liburing-dev) || status=$?
	[ "$status" = 0 ] || return "$status"
	set -- CC="aarch64-linux-gnu-gcc --sysroot=$tree" CHECK_LIBS="-lcheck -lsubunit -lrt -lm -lpthread" B=build-arm64
	build arm64 "$@" && quietly arm64 make CFLAGS='-O2 -g -Werror' "$@" $(printf "build-arm64/%s " tests/unit/*.c | sed "s/[.]c / /g") &&
		run_under_qemu "$tree"
}

# The unit tests that need more than qemu-user gives. It lacks io_uring, io_submit(), preadv2(), pwritev2(),
# cachestat(), seccomp filters, and the ioctls of NVMe and of the disk's sequence number. The flags in a fdinfo are those
# of the host, and the programs in /bin are of the host's machine. Those that only need io_uring skip by themselves.
beyond_qemu=' cache device elf engine filter hold hold_end identity look program span verify_target '
run_under_qemu() { # TREE
	local test name status passed=0 left_out=$beyond_qemu failed=0
	for test in build-arm64/tests/unit/*; do
		name=${test##*/} status=0
		case "$test $beyond_qemu" in *.[od]\ * | *" $name "*) continue ;; esac
		CK_TIMEOUT_MULTIPLIER=20 QEMU_LD_PREFIX=$1 timeout 300 qemu-aarch64-static "$test" > "$roots/one" 2>&1 || status=$?
		case $status in
		0) passed=$((passed + 1)) ;;
		77) left_out="$left_out$name " ;;
		*) tail -n 20 "$roots/one"; echo "FAILED arm64 $name under qemu-user"; failed=1 ;;
		esac
	done
	echo "$passed passed under qemu-user; not:${left_out% }" > "$roots/log"
	[ $failed = 0 ]
}

[ $# -gt 0 ] || set -- gcc clang musl bullseye sid arm64
for name; do
	: > "$roots/log"
	if "build_$name"; then said "$name"; else failed=1; fi
done
exit $failed
