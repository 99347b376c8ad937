#!/bin/bash
# SPDX-License-Identifier: MIT
# Removes each guard that tests/mutants.txt lists, in a copy of the source, and runs the tests that watch it: one of
# them must fail. tests/mutants.sh BUILD-DIR [NAME-PATTERN [PART/PARTS]]. If all of them pass, no test covers the guard:
# that is an error. A line of the list that no longer changes the source is an error, too.
set -u
pattern=${2:-.} part=${3:-1/1}
work=$(realpath "$(mktemp -d -p . mutants.XXXXXX)")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # some tests become another user
cp -a Makefile shim.map shim include tests examples "$1" "$work"
cd "$work" || exit 1
build=$(basename "$1")
# What writes past an array shall not get away with it; what hangs need not hang for a minute, and what
# does not hang has time on a slow machine too: 12 s of 60, 10 where a test sets none.
export CFLAGS='-O2 -g -fsanitize=bounds -fsanitize-undefined-trap-on-error'
export CK_TIMEOUT_MULTIPLIER=0.2 CK_DEFAULT_TIMEOUT=50 UNTORN_RACE_SECONDS=0.5 # what hangs on chance has more of it

mutants() {
	grep -v '^#' tests/mutants.txt | awk -F'|' -v pattern="$pattern" -v part="${part%/*}" -v parts="${part#*/}" \
		'$1 ~ pattern && (++n - part) % parts == 0'
}

in_guest() { # TEST
	local disk="64M;;atomic.nawun=31,atomic.nawupf=31"
	case $1 in
	fences) tests/vm/vm -d "$disk" -- "$build/untorn run -- $build/tests/vm/fences /dev/nvme0n1" ;;
	user) tests/vm/vm -c -d "$disk" -- bash tests/vm/guest_user.sh ;;
	attributes) tests/vm/vm -d "$disk" -- bash tests/vm/guest_attributes.sh /dev/nvme0n1 build/untorn run -- ;;
	esac
}

# 0 the test passed, 77 it cannot be had here, else it failed.
run_test() { # TEST
	local status=0
	case $1 in
	fences | user | attributes)
		make -s "$build/libuntorn.so" "$build/untorn" "$build/tests/vm/fences" "$build/tests/vm/statx_print" "$build/tests/vm/addpart" &&
			in_guest "$1"
		;;
	*.sh)
		make -s "$build/libuntorn.so" "$build/libuntorn-sim.so" "$build/untorn" || return 1
		tests/run.sh "$build" "tests/$1" > said || status=$?
		cat said
		return $status
		;;
	*)
		make -s "$build/libuntorn.so" "$build/libuntorn-sim.so" "$build/tests/$1" || return 1
		tests/run.sh "$build" "$build/tests/$1" > said || status=$?
		cat said
		! grep -q ' 1 skipped$' said || return 77
		return $status
		;;
	esac
}

# A test that fails with all guards in place would prove nothing; nor would one that is skipped.
declare -A baseline
for test in $(mutants | cut -d'|' -f4 | tr ' ' '\n' | sort -u); do
	# On a busy machine the short time that they have here may not do: twice.
	run_test "$test" > log 2>&1 || run_test "$test" > log 2>&1
	baseline[$test]=$?
	case ${baseline[$test]} in
	0) ;;
	77) echo "not to be had here: $test" ;;
	*) cat log; echo "fails with all guards in place: $test"; exit 1 ;;
	esac
done

# What the tests say of the source as it is now: missed, survived, untried, or why it is not built.
judge() { # TESTS...
	local test verdict=untried
	for test; do
		[ "${baseline[$test]}" = 0 ] || continue
		verdict=survived
		run_test "$test" > log 2>&1 && continue
		grep -m 1 '^shim/.*error:' log || echo missed
		return
	done
	echo $verdict
}

missed=0 untried=0 bad=0
while IFS='|' read -r name file expression tests <&3; do
	cp -p "shim/$file" saved
	sed -i "$expression" "shim/$file"
	verdict="no longer there to be taken out"
	# shellcheck disable=SC2086
	cmp -s saved "shim/$file" || verdict=$(judge $tests)
	case $verdict in
	missed) missed=$((missed + 1)) ;;
	untried) untried=$((untried + 1)) ;;
	*) bad=$((bad + 1)); echo "$name (shim/$file; $tests): $verdict" ;;
	esac
	mv saved "shim/$file"
	touch "shim/$file"
done 3< <(mutants)
echo "$missed guards taken out and missed by a test, $bad not, $untried without a test that runs here"
[ $bad = 0 ]
