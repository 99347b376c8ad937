#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn stat: what it shows of running programs, of which, to whom, and what it says where there is
# nothing to show.
set -u
. tests/writer.sh
untorn=$BUILD/untorn
cat >> write.py <<'END'
exec(sys.argv[2])
open(sys.argv[1], "w").close()
time.sleep(60)
END

# A program that has done that and now rests: its number in $pid.
start() { # NAME PYTHON [COMMAND...]
	local tries=0
	"${@:3}" "$untorn" run --sim="/dev/sim0n1=$work/$1.image,nawun=31,nawupf=31" -- \
		/usr/bin/python3 write.py "$work/$1.ready" "$2" &
	pid=$! jobs+=("$pid")
	while [ ! -e "$1.ready" ] && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
}

row() { # NAME STATUS STDOUT STDERR ARGUMENT...
	rows=$((rows + 1))
	timeout "${limit:-20}" "$untorn" stat "${@:5}" > out 2> err
	local status=$?
	# shellcheck disable=SC2053 # the rows have globs
	[[ $status == "$2" && $(< out) == $3 && $(< err) == $4 ]] ||
		{ fail "$1: status $status, not $2"; cat out err; }
}

line() { echo "* pwritev2 *[ ]$1 *[ ]$(($1 * 16384)) *"; }

# Other programs of this machine may have some.
rows=1
"$untorn" stat > out 2> err
[ -s out ] || grep -q '^untorn: no program with atomic writes' err || fail "none: $(< err)"

start writer 'write(5)'
row "one process" 0 "python3 ($pid): 1 process$(line 5)" '' "$pid"
row "JSON" 0 "{*\"pid\":$pid,*\"commands\":5,*}" '' --json "$pid"
row "all" 0 "$(line 5)" '' --all
row "nobody in particular" 0 "$(line 5)" ''
row "all, as JSON" 0 "[[]*\"pid\":$pid,*" '' --json
row "one and all" 2 '' 'untorn: one process*' --all "$pid"
row "two" 2 '' 'untorn: one process*' 1 2
row "no number" 2 '' 'untorn: x is no process*' x
row "no number either" 2 '' 'untorn: 5x is no process*' 5x
row "help" 0 'usage: untorn stat*' '' --help
row "nobody" 1 '' 'untorn: process 99999999: there is none' 99999999
row "no shim" 1 '' "untorn: process $$ does not have the shim*" $$
first=$pid

# What it is to be read from is closed: from its memory, if that is allowed.
start closed 'write(3); os.closerange(disk + 1, 4096)'
if [ "$(id -u)" = 0 ] || [ "$(cat /proc/sys/kernel/yama/ptrace_scope 2> /dev/null || echo 0)" = 0 ]; then
	row "its descriptor closed" 0 "$(line 3)" '' "$pid"
fi

start idle 'pass'
row "nothing yet" 1 '' "untorn: process $pid has made no atomic write yet*" "$pid"

# Parent and child are one; counted once.
start family 'write(2); os.fork() or (write(2), time.sleep(60))'
for _ in {1..50}; do "$untorn" stat "$pid" | grep -q ' 65536 ' && break; sleep 0.1; done
row "a family" 0 "* 2 processes$(line 4)" '' "$pid"
[ "$("$untorn" stat | grep -c ': 2 processes$')" = 1 ] || fail "a family is shown once"
kill "$(pgrep -P "$pid")" 2> /dev/null

limit=3 row "watched" 124 '*python3*python3*' '' --watch "$first"
rows=$((rows + 1))
(timeout 20 "$untorn" stat --watch "$first" > out 2>&1; echo $? > status) &
sleep 1.5
kill "$first"
wait $!
[ "$(< status)" = 0 ] || { fail "watched to its end: $(< status)"; cat out; }

# One's own processes without any privilege, others' not.
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	start mine 'write(7)' "${nobody[@]}"
	untorn_as=$untorn
	untorn=$work/as
	printf '#!/bin/sh\nexec %s %s "$@"\n' "${nobody[*]}" "$untorn_as" > as
	chmod 755 as
	row "my own" 0 "$(line 7)" '' "$pid"
	mine=$pid untorn=$untorn_as
	start roots 'write(1)'
	untorn=$work/as
	row "root's" 1 '' "untorn: process $pid: Permission denied" "$pid"
	row "all that are mine" 0 "python3 ($mine): 1 process$(line 7)" ''
	kill "$mine"
	while kill -0 "$mine" 2> /dev/null; do sleep 0.1; done
	row "none that are mine" 0 '' "untorn: no program with atomic writes that you may look at (others': as root)"
	row "none that are mine, as JSON" 0 '[[]*]' '' --json
fi
echo "$rows rows, $failed failed"
[ $failed = 0 ]
