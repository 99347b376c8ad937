#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs test programs one after the other: tests/run.sh BUILD-DIR PROGRAM...
# A program gets UNTORN_TEST_TIMEOUT seconds (300); its output is shown when it fails. Exit status
# 77 is a skip, which is counted and named. The last line is "N passed, N failed, N skipped".
set -u
build=$(realpath "$1")
shift
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The sanitizer's own library must come first in a preload.
sanitizer=
case $build in
*address*) sanitizer=$(${CC:-gcc} -print-file-name=libasan.so) ;;
*thread*) sanitizer=$(${CC:-gcc} -print-file-name=libtsan.so) ;;
esac

preload_for() {
	case $1 in
	*/preload_*) echo "$build/libuntorn.so:$build/libuntorn-sim.so" ;;
	*/sim_*) echo "$build/libuntorn-sim.so" ;;
	esac
}

for program; do
	preload=$(preload_for "$program")
	[ -z "$preload" ] || preload=${sanitizer:+$sanitizer:}$preload
	started=$SECONDS
	BUILD=$build TEST_PRELOAD=$preload timeout -k 5 "${UNTORN_TEST_TIMEOUT:-300}" \
		"$program" > "$log" 2>&1
	status=$?
	case $status in
	0) passed=$((passed + 1)) word=ok ;;
	77) skipped=$((skipped + 1)) word="skipped: $(tail -n 1 "$log")" ;;
	124 | 137) failed=$((failed + 1)) word="FAILED: no end within the time" ;;
	*) failed=$((failed + 1)) word="FAILED: status $status" ;;
	esac
	printf '%-44s %s (%ss)\n' "${program#"$build"/}" "$word" $((SECONDS - started))
	case $word in FAILED*) cat "$log" ;; esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
