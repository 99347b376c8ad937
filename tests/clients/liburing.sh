#!/bin/bash
# SPDX-License-Identifier: MIT
# liburing's own test programs, built from Debian's source of it against its shared library: what this
# machine's kernel passes without the shim passes under it too.
#
#   tests/clients/liburing.sh [TEST...]     for SUITE in $UNTORN_LIBURING ("sid bookworm")
set -eu
. tests/clients/lib.sh
ulimit -c 0
seconds=20

# The tests of one suite's liburing, into $tests: built once, in the cache of fetch.sh. Some tests
# need newer headers than this machine has, so not every one gets built.
build_tests() { # SUITE
	local built
	fetched source "$1" liburing
	built=$tree-built
	tests=$built/test
	[ ! -e "$built/complete" ] || return 0
	rm -rf "$built"
	cp -r "$tree" "$built"
	(
		cd "$built"
		./configure --cc="${CC:-cc}"
		make -C src
		rm src/*.a # a static one would be taken, where the shim is not asked
		(cd src && ln -s liburing.so.2.* liburing.so.2 && ln -s liburing.so.2 liburing.so)
		export LDFLAGS="-Wl,-rpath,$PWD/src"
		make -k -C test CFLAGS="-g -O1 -w" || true
		touch complete
	) > "$work/building" 2>&1 || { tail "$work/building"; fail "liburing of $1 could not be built"; }
}

# One run: "passed" or the reason why not. Whatever it leaves behind lies in a folder of its own.
outcome() { # native|auto|command TEST
	local status=0 expected=0 preload=() dir
	dir=$(mktemp -d -p "$work")
	[ "$1" = native ] || preload=(env "LD_PRELOAD=$shim" "UNTORN_MODE=$1")
	case $2 in xfail*) expected=1 ;; esac
	(cd "$dir" && timeout -k 1 $seconds "${preload[@]}" "$tests/$2") > "$work/said" 2>&1 < /dev/null || status=$?
	rm -rf "$dir"
	case $status in
	$expected) echo passed ;;
	77) echo skipped ;;
	124 | 137) echo "no end within $seconds s" ;;
	*) echo "status $status: $(tail -n 1 "$work/said" | tr -cd '[:print:]')" ;;
	esac
}
passes() { # TIMES native|auto|command TEST: every time
	local time
	for ((time = 0; time < $1; time++)); do [ "$(outcome "$2" "$3")" = passed ] || return 1; done
}

# Only a test that is steady without the shim can tell; and one that is slow gets three chances.
compare() { # auto|command TEST
	local said
	said=$(outcome "$1" "$2")
	[ "$said" != passed ] || return 0
	if ! passes 3 native "$2"; then
		echo "  $2: not steady without the shim either"
		unsteady=$((unsteady + 1))
		return 0
	fi
	for _ in 1 2; do [ "$(outcome "$1" "$2")" != passed ] || return 0; done
	echo "  $2: passes without, but with the shim ($1) $said"
	return 1
}

# Does this program submit through the shim? The loader itself tells, and does not start it.
reached() { # TEST
	LD_TRACE_LOADED_OBJECTS=1 LD_WARN=1 LD_BIND_NOW=1 LD_DEBUG=bindings LD_PRELOAD=$shim "$tests/$1" 2>&1 |
		grep -cE "file $tests/$1 .*to $shim .*(io_uring_submit|io_uring_enter|syscall)" > /dev/null
}

run_suite() { # SUITE TEST...
	local suite=$1 all passed=() through=0 mode test with unsteady
	shift
	build_tests "$suite"
	[ $# != 0 ] || set -- $(cd "$tests" && ls ./*.t | sed 's,^\./,,')
	for test; do
		[ "$(outcome native "$test")" = passed ] || continue
		passed+=("$test")
		! reached "$test" || through=$((through + 1))
	done
	echo "liburing of $suite: $# programs, ${#passed[@]} pass without the shim; $through of these call into it"
	[ $through -gt 0 ] || fail "no program would have noticed the shim"
	for mode in auto command; do
		with=0 unsteady=0
		for test in "${passed[@]}"; do
			if compare $mode "$test"; then with=$((with + 1)); else different=1; fi
		done
		echo "liburing of $suite, $mode: $with pass with the shim, or are unsteady without ($unsteady)"
	done
}

different=0
for suite in ${UNTORN_LIBURING:-sid bookworm}; do run_suite "$suite" "$@"; done
exit $different
