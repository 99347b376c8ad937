#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn stat, on programs that write to the simulated disk: its output, which programs it shows to which user, and its
# messages where there is nothing to show.
set -u
. tests/writer.sh
untorn=$BUILD/untorn
cat >> write.py <<'END'
exec(sys.argv[2])
open(sys.argv[1], "w").close()
time.sleep(60)
END

# Starts a program that executes PYTHON and then rests; $pid is its number.
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

# Other programs of this machine may have atomic writes.
rows=1
"$untorn" stat > out 2> err
[ -s out ] || grep -q '^untorn: no process with atomic writes' err || fail "none: $(< err)"

start writer 'write(5)'
row "one process" 0 "python3 ($pid): 1 process$(line 5)" '' "$pid"
row "JSON" 0 "{*\"pid\":$pid,*\"commands\":5,*}" '' --json "$pid"
row "all" 0 "$(line 5)" '' --all
row "nobody in particular" 0 "$(line 5)" ''
row "all, as JSON" 0 "[[]*\"pid\":$pid,*" '' --json
row "a histogram" 0 "python3 ($pid): 1 process$(line 5)"$'\n'*' us *##*' '' --histogram "$pid"
row "metrics" 0 $'# TYPE *\n# EOF' '' --metrics "$pid"
row "JSON and metrics" 2 '' 'untorn: give only one of --json, *' --json --metrics
row "one and all" 2 '' 'untorn: name one process*' --all "$pid"
row "two" 2 '' 'untorn: name one process*' 1 2
row "no number" 2 '' 'untorn: x is not a process*' x
row "no number either" 2 '' 'untorn: 5x is not a process*' 5x
row "help" 0 'usage: untorn stat*' '' --help
row "nobody" 1 '' 'untorn: process 99999999: no such process' 99999999
row "no shim" 1 '' "untorn: process $$ does not have the shim*" $$
first=$pid

# Reads the metrics as a collector does: https://prometheus.io/docs/specs/om/open_metrics_spec/
metrics() {
	rows=$((rows + 1))
	"$untorn" stat --metrics > metrics && python3 - "$1" metrics > err 2>&1 << 'END' || { fail "metrics"; cat err metrics; }
import re, sys
pid, path = sys.argv[1:]
lines = open(path).read().split("\n")
assert lines[-2:] == ["# EOF", ""]
suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}
seen, values, family, kind = set(), {}, None, None
for line in lines[:-2]:
    words = line.split(" ", 3)
    if words[0] == "#":
        if words[1] == "TYPE":
            family, kind, unit = words[2], words[3], None
            assert family not in seen
            seen.add(family)
        assert words[2] == family and words[1] in ("TYPE", "UNIT", "HELP")
        assert words[1] != "UNIT" or family.endswith("_" + words[3])
        continue
    name, labels, value = re.fullmatch(r'(\w+)\{((?:\w+="(?:[^"\\]|\\["\\n])*",?)+)\} (\S+)', line).groups()
    assert name in [family + suffix for suffix in suffixes[kind]], name
    assert (name, labels) not in values
    values[name, labels] = float(value)
mine = {(name, re.sub(r'pid="\d+",program="python3"', "", labels)): value
        for (name, labels), value in values.items() if 'pid="%s"' % pid in labels}
door = ',device="sim0n1",door="pwritev2"'
assert mine["untorn_processes", ""] == 1
assert mine["untorn_commands_total", door] == 5 and mine["untorn_written_bytes_total", door] == 5 * 16384
assert mine["untorn_refused_writes_total", door + ',reason="power-of-two"'] == 2
assert mine["untorn_latency_seconds_count", door] == 5 == mine["untorn_latency_seconds_bucket", door + ',le="+Inf"']
assert 0 < mine["untorn_latency_seconds_sum", door] < 5
below = [value for (name, _), value in mine.items() if name.endswith("_bucket")]
assert below == sorted(below) and len(below) == 24
END
}
start metered 'write(5)
for i in 1, 2:
    try: os.pwritev(disk, [memoryview(page)[:12288]], 0, 0x40)
    except OSError: pass'
metrics "$pid"

# Under a report the program keeps no descriptor of the counters, but the reporter does: it must not be shown itself.
start_reported() {
	rm -f reported.ready
	"$untorn" run --report=/dev/null --sim="/dev/sim0n1=$work/reported.image,nawun=31,nawupf=31" -- \
		/usr/bin/python3 write.py "$work/reported.ready" 'write(6)' &
	pid=$! jobs+=("$pid")
	while [ ! -e reported.ready ]; do sleep 0.1; done
}
start_reported
row "under a report" 0 "python3 ($pid): 1 process$(line 6)" '' "$pid"
[ "$("$untorn" stat | grep -c '[ ]98304 ')" = 1 ] || fail "the reporter is shown"
kill "$pid"

# The program has closed the counters' descriptor: untorn stat reads its memory, if that is allowed.
start closed 'write(3); os.closerange(disk + 1, 4096)'
if [ "$(id -u)" = 0 ] || [ "$(cat /proc/sys/kernel/yama/ptrace_scope 2> /dev/null || echo 0)" = 0 ]; then
	row "its descriptor closed" 0 "$(line 3)" '' "$pid"
fi

start idle 'pass'
row "nothing yet" 1 '' "untorn: process $pid has made no atomic write yet*" "$pid"

# A parent and its child count as one program.
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

# A user without privilege sees only his own processes.
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
	row "none that are mine" 0 '' "untorn: no process with atomic writes that you may look at (root may look at all)"
	row "none that are mine, as JSON" 0 '[[]*]' '' --json
fi
echo "$rows rows, $failed failed"
[ $failed = 0 ]
