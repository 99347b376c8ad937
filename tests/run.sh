#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs test programs, UNTORN_TEST_JOBS (1) at a time: tests/run.sh BUILD-DIR PROGRAM...
# A program gets UNTORN_TEST_TIMEOUT seconds (300); its output is shown when it fails, and with
# UNTORN_TEST_SHOWN=1 always. Each line says how many of all have ended, and after how long. Exit status
# 77 is a skip, which is counted and named. The last line is "N passed, N failed, N skipped".
set -u
build=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-5} # Check's times are for an idle machine
# The loader splits a preload list at blanks and colons, which cannot be quoted. And a test that becomes another
# user must reach the build folder as that user. Where either is not so, run a copy of the folder.
is_in_reach() {
	[ "$(id -u)" != 0 ] || ! command -v setpriv > /dev/null ||
		setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$build"
}
case $build in *[\ :]*) false ;; *) is_in_reach ;; esac ||
	{ chmod 755 "$work" && cp -a "$build" "$work" && build=$work/$(basename "$build"); }

# The sanitizer's own library must come first in a preload.
sanitizer=
case $build in
*address*) sanitizer=$(${CC:-gcc} -print-file-name=libasan.so) ;;
*thread*) sanitizer=$(${CC:-gcc} -print-file-name=libtsan.so) ;;
esac

preload_for() {
	case $1 in
	*/preload/*) echo "$build/libuntorn.so:$build/libuntorn-sim.so" ;;
	*/sim/*) echo "$build/libuntorn-sim.so" ;;
	esac
}

started=$SECONDS
elapsed() { printf "%d:%02d" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

run_one() { # NUMBER PROGRAM
	local log=$work/$1.log preload begun=$SECONDS status word
	preload=$(preload_for "$2")
	[ -z "$preload" ] || preload=${sanitizer:+$sanitizer:}$preload
	BUILD=$build TEST_PRELOAD=$preload timeout -k 5 "${UNTORN_TEST_TIMEOUT:-300}" \
		"$2" > "$log" 2>&1
	status=$?
	case $status in
	0) word=ok ;;
	77) word="skipped: $(tail -n 1 "$log")" ;;
	124 | 137) word="FAILED: no end within the time" ;;
	*) word="FAILED: status $status" ;;
	esac
	echo "$word" > "$work/$1.word"
	{
		printf '%3d/%d %5s  %-36s %s (%ss)\n' "$(count .)" $total "$(elapsed)" "${2#"$build"/}" "$word" $((SECONDS - begun))
		case ${UNTORN_TEST_SHOWN:-}$word in 1* | FAILED*) cat "$log" ;; esac
	} > "$work/$1.said"
	cat "$work/$1.said" # at once, so that two do not mix
}

count() { cat "$work"/*.word 2> /dev/null | grep -c "^$1"; }

number=0 total=$#
for program; do
	[ "$(jobs -pr | wc -l)" -lt "${UNTORN_TEST_JOBS:-1}" ] || wait -n
	number=$((number + 1))
	run_one $number "$program" &
done
wait
echo "$(count ok) passed, $(count FAILED) failed, $(count skipped) skipped"
[ "$(count ok)" = $((number - $(count skipped))) ]
