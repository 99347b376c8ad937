#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn run --report and UNTORN_LOG over the simulated disk: what is told at the end, whatever the
# program does to its descriptors and however it ends; and that it ends as it would have without.
set -u
. tests/writer.sh
cat >> write.py <<'END'
def worker(count):
    if os.fork() == 0:
        os.close(2)
        write(count)
        os._exit(0)
    os.wait()
exec(sys.argv[1])
END

sim=/dev/sim0n1=$work/image,nawun=31,nawupf=31
run() { timeout 60 "$BUILD/untorn" run --sim="$sim" "$@"; }

row() { # NAME STATUS STDERR PYTHON [OPTION...]
	rows=$((rows + 1))
	run "${@:5}" -- python3 write.py "$4" > out 2> err < /dev/null
	local status=$?
	# shellcheck disable=SC2053 # the rows have globs
	[[ $status == "$2" && $(< err) == $3 ]] ||
		{ fail "$1: status $status, not $2"; cat err; }
}

writes() { echo "untorn: $1 process*pwritev2*[ ]$2 *[ ]$(($2 * 16384)) *[ ]0 *[ ]0 *[ ]0 *"; }
reports() {
	row "one process" 0 "$(writes 1 5)" 'write(5)' --report
	row "workers that leave by _exit with standard error closed" 0 "$(writes 3 12)" \
		'worker(5); worker(6); write(1)' --report
	row "all descriptors closed first" 0 "$(writes 1 2)" \
		'os.closerange(0, 3); write(2); os._exit(0)' --report
	row "all descriptors closed since" 0 "$(writes 1 2)" \
		'write(1); os.closerange(disk + 1, 4096); write(1)' --report
	row "a program that it starts" 0 "$(writes 2 3)" \
		'write(2); os.execvp("python3", ["python3", "write.py", "write(1)"])' --report
	row "no atomic write" 0 'untorn: no atomic write came to the shim; *: untorn run --check' 'pass' --report
	row "refused" 1 '*refused: the length is no power of two*' \
		'os.pwritev(disk, [memoryview(page)[:12288]], 0, 0x40)' --report
	row "no report" 0 '' 'write(1)'
	row "one that replaces its environment" 0 "$(writes 1 1)" \
		'os.environ["UNTORN_STAT"] = "/nowhere"; write(1)' --report
}

# The status is the program's, a signal's too, and standard output is the program's alone.
ends() {
	row "its status" 7 "$(writes 1 1)" 'write(1); sys.stdout.flush(); os._exit(7)' --report
	row "its signal" 143 "$(writes 1 1)" 'write(1); os.kill(os.getpid(), 15)' --report
	row "killed" 137 "$(writes 1 1)" 'write(1); os.kill(os.getpid(), 9)' --report
	row "standard output" 0 '*' 'print("said"); write(1)' --report
	[ "$(< out)" = said ] || fail "standard output is the program's"
	(trap '' CHLD; run --report -- sh -c 'exit 3' 2> err)
	[ $? = 3 ] || fail "its status where SIGCHLD is ignored"
}

counted() { # FILE: processes, commands, bytes, and those that were timed
	python3 -c '
import json, sys
all = json.load(open(sys.argv[1]))
door = all["devices"][0]["doors"][0]
print(all["processes"], door["commands"], door["bytes"], sum(b["count"] for b in door["latency"]))' "$1"
}

files() {
	row "to a file" 0 '' 'write(4)' --report="$work/report"
	# shellcheck disable=SC2053
	[[ $(< report) == $(writes 1 4) ]] || fail "report in a file: $(< report)"
	row "JSON" 0 '' 'write(4); worker(3)' --report="$work/report.json"
	[ "$(counted report.json)" = "2 7 114688 7" ] || fail "JSON: $(< report.json)"
	row "JSON to standard error" 0 '{*"commands":1,*}' 'write(1)' --json
	row "a file that cannot be made" 2 'untorn: --report: /nowhere/x: *' 'write(1)' --report=/nowhere/x
	(ulimit -f 10; row "no room" 125 'untorn: --report: *ulimit*' 'pass' --report; exit $failed) ||
		fail "no room for it"
}

# What is sent to `untorn run` alone goes to the program, which may do with it as it likes.
signals() {
	rows=$((rows + 1))
	"$BUILD/untorn" run --sim="$sim" --report -- python3 write.py '
import signal, time
signal.signal(signal.SIGTERM, lambda *a: (write(3), os._exit(9)))
open("ready", "w").close()
time.sleep(30)' 2> err &
	local job=$! tries=0
	while [ ! -e ready ] && [ $tries -lt 300 ]; do sleep 0.1; tries=$((tries + 1)); done
	kill -TERM $job
	wait $job
	local status=$?
	# shellcheck disable=SC2053
	[[ $status == 9 && $(< err) == $(writes 1 3) ]] || { fail "a signal: status $status"; cat err; }
}

# From a program that has become somebody else.
other_user() {
	local nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	[ "$(id -u)" = 0 ] && "${nobody[@]}" test -r "$BUILD/libuntorn.so" 2> /dev/null ||
		{ echo "skipped: another user (no root, no setpriv, or $BUILD is closed to others)"; return; }
	rows=$((rows + 1))
	chmod -R a+rwX image* write.py
	run --report -- "${nobody[@]}" /usr/bin/python3 write.py 'write(4)' 2> err
	# shellcheck disable=SC2053
	[[ $(< err) == $(writes 1 4) ]] || { fail "another user"; cat err; }
}

logs() {
	export UNTORN_LOG=debug
	row "a line for each" 0 $'untorn[[]*: pwritev2 of 16384 bytes at 0 by command: done*\nuntorn[[]*at 16384*' 'write(2)'
	UNTORN_LOG=info
	row "good ones are not told" 0 '' 'write(2)'
	row "each reason once" 0 'untorn[[]*refused, EINVAL: the length is no power of two' '
for i in range(5):
    try: os.pwritev(disk, [memoryview(page)[:12288]], 0, 0x40)
    except OSError: pass'
	row "the limits, of one beyond them" 0 \
		'untorn[[]*at 0 refused, EINVAL: smaller or larger than the device*s atomic unit (512 to 16384)' '
try: os.pwritev(disk, [mmap.mmap(-1, 65536)], 0, 0x40)
except OSError: pass'
	UNTORN_LOG=debug=2
	row "no more than asked for" 0 $'untorn*\nuntorn*' 'write(9)'
	[ "$(wc -l < err)" = 2 ] || fail "lines: $(wc -l < err)"
	UNTORN_LOG=debug:$work/log
	row "to a file" 0 '' 'write(3)'
	[ "$(wc -l < log)" = 3 ] || fail "lines in the file: $(wc -l < log)"
	UNTORN_LOG=debug:/dev/sim0n1
	row "not to a disk" 0 '' 'write(3)'
	! grep -q 'untorn\[' image || fail "lines on the disk"
	UNTORN_LOG=debug
	rows=$((rows + 1))
	{ run -- python3 write.py 'import time; time.sleep(1); write(3)'; echo $? > status; } 2>&1 | true
	[ "$(< status)" = 0 ] || fail "a reader that has gone: $(< status)"
	unset UNTORN_LOG
}

reports
ends
files
signals
other_user
logs
left=$(find /run /tmp -maxdepth 1 -name 'untorn-??????' -newer write.py -user "$(id -u)" 2> /dev/null)
[ -z "$left" ] || fail "left behind: $left"
echo "$rows rows, $failed failed"
[ $failed = 0 ]
