#!/bin/bash
# SPDX-License-Identifier: MIT
# Deep mode does no harm. Every test over the simulated disk must pass in it, too; ring_doors.h then makes the calls
# on rings by its own instructions instead of syscall(). Ordinary programs must print and return the same.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: the sanitizers' own runs take their time"; exit 77 ;; esac
status=0
"$BUILD/untorn" run --deep -- true || status=$?
case $status in
0) ;;
125) echo "SKIP: no deep mode here"; exit 77 ;;
*) echo "true in deep mode: status $status"; exit 1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

tests=()
for test in "$BUILD"/tests/preload/*; do
	case $test in *.[od] | */preload/deep*) ;; *) tests+=("$test") ;; esac
done
UNTORN_DEEP=1 tests/run.sh "$BUILD" "${tests[@]}" || failed=1

# Rings of a liburing that is linked into the program.
# shellcheck disable=SC2046 # several words
mkdir "$work/preload"
if ${CC:-gcc} -o "$work/preload/static" "$BUILD/tests/preload/uring.o" "$BUILD/tests/preload.o" -l:liburing.a \
	$(pkg-config --libs check) -ldl 2> "$work/messages"; then
	UNTORN_DEEP=1 UNTORN_MODE=command tests/run.sh "$BUILD" "$work/preload/static" || failed=1
else
	echo "not to be had here: a static liburing"
fi

same() { # COMMAND... must print the same and end the same
	"$@" > "$work/plain" 2>&1 < /dev/null
	echo "status $?" >> "$work/plain"
	"$BUILD/untorn" run --deep -- "$@" > "$work/deep" 2>&1 < /dev/null
	echo "status $?" >> "$work/deep"
	diff "$work/plain" "$work/deep" > "$work/diff" && return
	echo "$*: with deep mode (>) it is otherwise:"
	head -20 "$work/diff"
	failed=1
}
# shellcheck disable=SC2016 # the started shell expands it
same bash -c 'trap "echo usr1" USR1; kill -USR1 $$; for i in 1 2 3; do (echo $i | cat) & done | sort; wait; ls / | wc -l'
# shellcheck disable=SC2016 # for perl
same perl -e '$SIG{ALRM} = sub { print "alarm\n" }; alarm 1; sleep 5; $SIG{SYS} = "IGNORE"; kill SYS => $$; print `echo child`; fork || exit 3; wait; print $? >> 8, "\n"'
same perl -e 'kill SYS => $$; sleep 1'
same python3 -c 'import threading, subprocess, signal, concurrent.futures as f
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(sum(f.ThreadPoolExecutor(8).map(lambda i: len(subprocess.check_output(["echo", str(i)])), range(20))))'
same git --no-pager log --oneline -3
printf 'int main(void) { return 7; }\n' > "$work/seven.c"
same "${CC:-gcc}" -O2 -pipe -pthread -o "$work/seven" "$work/seven.c"
same "$work/seven"
for run in plain deep; do
	make=(make -j2 --no-print-directory B="$work/made-$run" "$work/made-$run"/shim/rules/{limits,status}.o)
	[ $run = plain ] || make=("$BUILD/untorn" run --deep -- "${make[@]}")
	"${make[@]}" > "$work/made" || failed=1
done
cmp "$work"/made-{plain,deep}/shim/rules/limits.o || failed=1
command -v sqlite3 > /dev/null && same sqlite3 :memory: 'select 1 + 1'
command -v curl > /dev/null && same curl --version
[ $failed = 0 ]
