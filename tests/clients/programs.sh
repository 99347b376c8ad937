#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs without atomic writes must not notice the shim. Runs each program of tests/command/programs.txt that this
# machine has, as nobody, in its own mount and pid namespaces, for at most ten seconds, with --version or the option
# after its name: once without untorn, once by untorn run --report. Output and status must be the same, except process
# IDs, addresses and times (see plain()). A program that differs from itself without untorn is counted and left out; so
# is one that untorn run cannot reach. UNTORN_PROGRAMS names another list.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: the programs are not built with sanitizers" && exit 77 ;; esac
[ "$(id -u)" = 0 ] || { echo "SKIP: only root can run programs as nobody in namespaces"; exit 77; }
list=$(realpath "${UNTORN_PROGRAMS:-tests/command/programs.txt}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/home" "$work/untorn"
install -d -o 65534 -g 65534 "$work/out"
cp "$BUILD/untorn" "$BUILD/libuntorn.so" "$work/untorn"
cd "$work" || exit 1
same=0 failed=0 absent=0 varying=0 refused=0
unset LD_PRELOAD "${!UNTORN_@}"
export report=

# Its empty home and all processes that it leaves end with it, except the reporter: a program that ends by _exit() does
# not wait for that.
alone() { # COMMAND..., with $report, if there is to be one
	# shellcheck disable=SC2016 # the started shell expands it
	unshare --mount --pid --fork --kill-child --mount-proc sh -c '
		mount -t tmpfs -o mode=777 none "$1/home" && cd "$1/home" || exit 99
		shift
		setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs timeout -k 1 10 \
			env -i HOME="$PWD" TMPDIR="$PWD" LC_ALL=C PERL_HASH_SEED=0 PYTHONHASHSEED=0 PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$@"
		status=$? tries=0
		while [ -n "$report" ] && [ ! -s "$report" ] && [ $tries -lt 40 ]; do sleep 0.05; tries=$((tries + 1)); done
		exit $status' \
		sh "$work" "$@" < /dev/null
}

# Removes the differences between two runs of one program: addresses, dates, times and durations, process IDs, names of
# temporary files.
plain() {
	sed -E 's/0x[0-9a-fA-F]+/ADDRESS/g; s/[0-9]+:[0-9]{2}(:[0-9]{2})?([.,][0-9]+)?/TIME/g
		s/[0-9]{4}-[0-9]{2}-[0-9]{2}/DATE/g; s/[0-9]+([.][0-9]+)? ?(ms|us|s|sec|seconds)\b/DURATION/g
		s/\b(pid|PID|process)([ =:]*)[0-9]+/\1\2NUMBER/g; s/([a-z])\[[0-9]+\]/\1[NUMBER]/g
		s,(/home/|/tmp[./a-z]*)[A-Za-z0-9._-]+,\1FILE,g'
}

outcome() { # NAME COMMAND...: status and outputs
	local status=0
	alone "${@:2}" > "$1.out" 2> "$1.err" || status=$?
	{
		echo "status $status"
		plain < "$1.out" | tr -d '\0'
		echo "standard error:"
		plain < "$1.err" | tr -d '\0'
	} > "$1"
}

compare() { # PROGRAM OPTION
	rm -f out/report
	report='' outcome native "$1" "$2"
	report=$work/out/report outcome shimmed "$work/untorn/untorn" run --report="$work/out/report" -- "$1" "$2"
	if cmp -s native shimmed && [ -s out/report ]; then
		same=$((same + 1))
	elif grep -q '^untorn: .*(--anyway' shimmed.err; then
		refused=$((refused + 1))
		echo "not reached: $(cat shimmed.err)"
	else
		judge_difference "$1" "$2"
	fi
}

judge_difference() { # PROGRAM OPTION
	for _ in 1 2 3; do
		report='' outcome again "$1" "$2"
		cmp -s native again && continue
		varying=$((varying + 1))
		echo "differs from itself: $1 $2"
		return
	done
	failed=$((failed + 1))
	echo "FAILED $1 $2"
	diff native shimmed | head -n 10
	[ -s out/report ] || echo "and there is no report"
}

while read -r program option; do
	case $program in '' | '#'*) continue ;; esac
	if command -v "$program" > /dev/null && [ -n "$(type -P "$program")" ]; then
		compare "$program" "${option:---version}"
	else
		absent=$((absent + 1))
	fi
done < "$list"
echo "$same programs are the same, $failed differ; $varying differ from themselves, $refused are not reached, $absent are not here"
[ "$failed" = 0 ] && [ "$same" -gt 0 ]
