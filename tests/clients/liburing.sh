#!/bin/bash
# SPDX-License-Identifier: MIT
# liburing's own test programs, built from Debian's source: each that passes on this machine's kernel without the shim
# must pass under it, too.
#
#   tests/clients/liburing.sh [TEST...]
#
# UNTORN_LIBURING: which builds, "sid sid/calls bookworm". The /calls builds have a static liburing whose system calls
# go through syscall(), as in programs that work their rings themselves; the others use the shared library. They are
# built once, in the cache of tests/vm/fetch.sh.
set -eu
. tests/clients/lib.sh
ulimit -c 0
seconds=20

# On x86-64 liburing makes system calls by its own instructions, which no preload reaches. On a machine that it does not
# know it calls the C library: make it do so here.
call_libc() { sed -i 's/defined(__x86_64__)/0/' src/syscall.h; }

# Builds into $tests. Some programs need newer headers than this machine's: not all can be built.
build_tests() { # SUITE[/calls]
	local built
	fetched source "${1%/calls}" liburing
	built=$(dirname "$tree")/built-${1/\//-}-liburing
	tests=$built/test
	[ ! -e "$built/complete" ] || return 0
	rm -rf "$built"
	mkdir -p "$built"
	cp -r "$tree/." "$built"
	(
		cd "$built"
		case $1 in */calls) call_libc && ./configure --use-libc ;; *) ./configure ;; esac
		make -C src
		# The linker takes the shared library if there is one of this name.
		case $1 in
		*/calls) ;;
		*) (cd src && ln -s liburing.so.2.* liburing.so.2 && ln -s liburing.so.2 liburing.so) ;;
		esac
		export LDFLAGS="-Wl,-rpath,$PWD/src"
		make -k -C test CFLAGS="-g -O1 -w" || true
		touch complete
	) > "$work/building" 2>&1 || { tail "$work/building"; fail "liburing of $1 could not be built"; }
}

# Runs a test in a folder of its own; prints "passed", or why not.
outcome() { # WAY TEST
	local status=0 expected=0 variables dir
	dir=$(mktemp -d -p "$work")
	with_shim "$1" "$shim"
	case $2 in xfail*) expected=1 ;; esac
	(cd "$dir" && timeout -k 1 $seconds env "${variables[@]}" "$tests/$2") > "$work/said" 2>&1 < /dev/null || status=$?
	rm -rf "$dir"
	case $status in
	"$expected") echo passed ;;
	77) echo skipped ;;
	124 | 137) echo "late: no end within $seconds s" ;;
	*) echo "failed with status $status: $(tail -n 1 "$work/said" | tr -cd '[:print:]')" ;;
	esac
}

passes_always() { # WAY TEST
	for _ in 1 2 3; do [ "$(outcome "$1" "$2")" = passed ] || return 1; done
}

# An intended difference, see libuntorn(7): a ring that a program works by system calls gets no polling thread if the
# shim must see its entries. The ring says at once that the thread sleeps, not after the time that the program set.
on_purpose() { # WAY TEST OUTCOME
	case $suite/$1/$2/$3 in
	*/calls/command/sqpoll-sleep.t/*"SQPOLL wakeup timing off 0" | */calls/deep/sqpoll-sleep.t/*"SQPOLL wakeup timing off 0") ;;
	*) return 1 ;;
	esac
}

# A test counts only if it always passes without the shim; a test that fails with the shim is run three more times.
compare() { # WAY TEST
	local said
	said=$(outcome "$1" "$2")
	if [ "$said" = passed ]; then
		with=$((with + 1))
	elif on_purpose "$1" "$2" "$said"; then
		told+=" $2"
	elif ! passes_always native "$2"; then
		unsteady+=" $2"
	elif [ "$(outcome "$1" "$2")" = passed ] || [ "$(outcome "$1" "$2")" = passed ]; then
		with=$((with + 1))
		echo "  $2 at the first attempt, $1: $said"
	else
		echo "  $2 passes without, but with the shim, $1: $said"
		different=1
	fi
}

# Whether this program calls into the shim: the loader prints its bindings, and does not start it.
reached() { # TEST
	LD_TRACE_LOADED_OBJECTS=1 LD_WARN=1 LD_BIND_NOW=1 LD_DEBUG=bindings LD_PRELOAD=$shim "$tests/$1" 2>&1 |
		grep -E "file $tests/$1 .*to $shim .*(io_uring_submit|io_uring_enter|syscall)" > /dev/null
}

run_suite() { # SUITE TEST...
	local suite=$1 passed=() others='' through=0 mode test said with unsteady told
	shift
	build_tests "$suite"
	# shellcheck disable=SC2046
	[ $# != 0 ] || set -- $(find "$tests" -name '*.t' -printf '%f\n' | sort)
	for test; do
		said=$(outcome native "$test")
		[ "$said" = passed ] || { others+="${said%%[: ]*} "; continue; }
		passed+=("$test")
		! reached "$test" || through=$((through + 1))
	done
	echo "liburing of $suite: $# programs, ${#passed[@]} pass without the shim" \
		"($(tr ' ' '\n' <<< "$others" | grep . | sort | uniq -c | xargs)); $through of these call into it"
	[ $through -gt 0 ] || fail "no program would have noticed the shim"
	for mode in $shim_ways; do
		with=0 unsteady='' told=''
		for test in "${passed[@]}"; do compare $mode "$test"; done
		echo "liburing of $suite, $mode: $with of ${#passed[@]} pass with the shim;" \
			"unsteady without it too:${unsteady:- none}; otherwise on purpose:${told:- none}"
	done
}

different=0
for suite in ${UNTORN_LIBURING:-sid sid/calls bookworm}; do run_suite "$suite" "$@"; done
exit $different
