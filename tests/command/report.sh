#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn run --report and UNTORN_LOG over the simulated disk. The report at the end must be right, whatever the program
# does to its descriptors and however it ends. The program must end as without a report.
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

# If a program is killed, ends by _exit() or is another user's, its report comes a moment after its end.
await_match() { # FILE GLOB
	local tries=0
	# shellcheck disable=SC2053
	while [[ $(cat "$1" 2> /dev/null) != $2 && $tries -lt 30 ]]; do sleep 0.1; tries=$((tries + 1)); done
}

told() { # GLOB: comes on standard error in the end
	await_match err "$1"
	# shellcheck disable=SC2053
	[[ $(< err) == $1 ]] || { cat err; return 1; }
}

row() { # NAME STATUS STDERR PYTHON [OPTION...]
	rows=$((rows + 1))
	run "${@:5}" -- python3 write.py "$4" > out 2> err < /dev/null
	local status=$?
	told "$3" && [ $status = "$2" ] || fail "$1: status $status, not $2"
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
	row "no atomic write" 0 'untorn: no atomic writes seen*untorn run --check -- PROGRAM)' 'pass' --report
	row "refused" 1 '*refused: the length is not a power of two*' \
		'os.pwritev(disk, [memoryview(page)[:12288]], 0, 0x40)' --report
	row "refused, by reason and length" 0 \
		'untorn: 1 '*$'\n    3 refused: the length is not a power of two (2 of them 12288 bytes)\n    2 refused: the offset is not a multiple of the length (16384 bytes)' '
def refuse(length, offset):
    try: os.pwritev(disk, [memoryview(mmap.mmap(-1, 32768))[:length]], offset, 0x40)
    except OSError: pass
for length in 12288, 20480, 12288: refuse(length, 0)
for offset in 512, 1024: refuse(16384, offset)' --report
	row "refused before it was read" 0 'untorn: 1 '*$'\n    1 refused: not open for writing' '
try: os.pwritev(os.open("/dev/sim0n1", os.O_RDONLY | os.O_DIRECT), [page, page], 0, 0x40)
except OSError: pass' --report
	row "a histogram" 0 "$(writes 1 5)"$'\n'*' us *##*' 'write(5)' --report --histogram
	row "no report" 0 '' 'write(1)'
	row "one that replaces its environment" 0 "$(writes 1 1)" \
		'os.environ["UNTORN_STAT"] = "/nowhere"; write(1)' --report
	[ "$(id -u)" != 0 ] || row "one that has changed its root" 0 'untorn: 2 processes*[ ]0 *[ ]2 *[ ]0 *' '
def refuse():
    try: os.pwritev(disk, [memoryview(page)[:12288]], 0, 0x40)
    except OSError: pass
os.chroot("/var"); refuse()
os.fork() or (refuse(), os._exit(0))
os.wait()' --report
	row "no child that it does not know" 0 "$(writes 1 1)" '
try: os.wait()
except ChildProcessError: write(1)' --report
	row "no descriptor before the first write" 0 "$(writes 1 1)" '
links = [os.readlink("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd") if os.path.lexists("/proc/self/fd/" + n)]
any("untorn-stat" in link for link in links) or write(1)' --report
}

# A program that ends by exit() must live until its report is written: here the report is not read for a while.
waits() {
	python3 - "$BUILD/untorn" "$sim" << 'END'
import fcntl, os, subprocess, sys, time
reads, full = os.pipe()
fcntl.fcntl(full, fcntl.F_SETFL, os.O_NONBLOCK)
try:
    while True: os.write(full, bytes(4096))
except BlockingIOError:
    fcntl.fcntl(full, fcntl.F_SETFL, 0)
program = subprocess.Popen([sys.argv[1], "run", "--sim=" + sys.argv[2], "--report", "--", "python3", "write.py",
    'write(1); print("bye", flush=True)'], stdout=subprocess.PIPE, stderr=full)
os.close(full)
program.stdout.readline()
time.sleep(0.3)
has_ended = program.poll() is not None
while os.read(reads, 65536): pass
sys.exit(has_ended or program.wait())
END
}

# The status is the program's, also after a signal. Standard output is only the program's.
ends() {
	row "its status" 7 "$(writes 1 1)" 'write(1); sys.stdout.flush(); os._exit(7)' --report
	row "its signal" 143 "*$(writes 1 1)" 'write(1); os.kill(os.getpid(), 15)' --report
	row "killed" 137 "*$(writes 1 1)" 'write(1); os.kill(os.getpid(), 9)' --report
	row "standard output" 0 '*' 'print("said"); write(1)' --report
	[ "$(< out)" = said ] || fail "standard output is the program's"
	for _ in {1..5}; do # after exit() the report comes before the parent goes on
		run --report -- python3 write.py 'write(1)' 2> err
		# shellcheck disable=SC2053
		[[ $(< err) == $(writes 1 1) ]] || fail "told too late: $(< err)"
	done
	waits || fail "it ended while its report could not be written"
	(trap '' CHLD; run --report -- sh -c 'exit 3' 2> err)
	[ $? = 3 ] || fail "its status where SIGCHLD is ignored"
	told 'untorn: no atomic writes seen*' || fail "told where SIGCHLD is ignored"
}

counted() { # FILE: prints processes, commands, bytes, timed commands
	python3 -c '
import json, sys
all = json.load(open(sys.argv[1]))
door = all["devices"][0]["doors"][0]
assert all["version"] == 1 and door["p50_us"] <= door["p99_us"] and door["reasons"] == []
print(all["processes"], door["commands"], door["bytes"], sum(b["count"] for b in door["latency"]))' "$1"
}

files() {
	row "to a file" 0 '' 'write(4)' --report="$work/report"
	# shellcheck disable=SC2053
	[[ $(< report) == $(writes 1 4) ]] || fail "report in a file: $(< report)"
	row "JSON" 0 '' 'write(4); worker(3)' --report="$work/report.json"
	[ "$(counted report.json)" = "2 7 114688 7" ] || fail "JSON: $(< report.json)"
	row "JSON to standard error" 0 '{*"commands":1,*}' 'write(1)' --json
	row "to standard output" 0 '' 'print("said"); write(2)' --report=-
	# shellcheck disable=SC2053
	[[ $(< out) == said$'\n'$(writes 1 2) ]] || fail "report on standard output: $(< out)"
	row "reasons as JSON" 0 '{*"name":"power-of-two",*"count":2,*"commonest_bytes":12288,*"commonest_count":2*"p50_us":null,*"version":1*' '
for i in 1, 2:
    try: os.pwritev(disk, [memoryview(page)[:12288]], 0, 0x40)
    except OSError: pass' --json
	row "a file that cannot be made" 2 'untorn: --report: /nowhere/x: *' 'write(1)' --report=/nowhere/x
	(ulimit -f 10; row "no room" 125 'untorn: --report: *ulimit*' 'pass' --report; exit $failed) ||
		fail "no room for it"
}

# Starts a program that notes each signal that it gets; $pid is its number. Not TSTP: bash would wait for it.
listener() { # COMMAND...
	rm -f got ready
	"$@" "$BUILD/untorn" run --sim="$sim" --report -- python3 write.py '
import signal
def note(number, frame):
    with open("got", "a") as got: got.write(signal.Signals(number).name[3:] + "\n")
    if number == signal.SIGUSR2: write(3); sys.exit(9)
for name in "TERM", "INT", "HUP", "USR1", "USR2", "CONT":
    signal.signal(getattr(signal, "SIG" + name), note)
with open("ready", "w") as ready: ready.write("%d %d" % (os.getpid(), os.getpgrp()))
while True: time.sleep(60)' 2> err &
	job=$! jobs+=("$job")
	await_match ready '?* ?*'
	read -r pid group < ready
	wanted=
}

send() { # NUMBER SIGNAL...: each must arrive once
	local name
	for name in "${@:2}"; do
		kill -"$name" -- "$1"
		wanted=$wanted$name$'\n'
		await_match got "${wanted%?}"
	done
}

heard() { # NAME STATUS
	rows=$((rows + 1))
	sleep 0.2 # a second signal might come
	kill -USR2 "$pid"
	wait "$job"
	local status=$?
	told "$(writes 1 3)" && [ $status = "$2" ] && [ "$(< got)" = "${wanted}USR2" ] ||
		fail "$1: status $status, wanted ${wanted}USR2, got $(< got)"
}

reporter_of() { tr '\0' '\n' < "/proc/$1/environ" | sed -n 's|^UNTORN_STAT=/proc/\([0-9]*\)/.*|\1|p'; }
state_of() { sed 's/.*) \(.\).*/\1/' "/proc/$1/stat"; }
gone() { # PROCESS: within three seconds
	local tries=0
	while kill -0 "$1" 2> /dev/null && [ $tries -lt 30 ]; do sleep 0.1; tries=$((tries + 1)); done
	! kill -0 "$1" 2> /dev/null
}

signals() {
	listener setsid
	[ "$pid $group" = "$job $job" ] || fail "it is $pid in group $group, and was started as $job"
	send "-$group" TERM INT HUP USR1
	send "$pid" TERM INT HUP USR1
	kill -STOP "$pid"
	sleep 0.2
	[ "$(state_of "$pid")" = T ] || fail "it does not stop"
	[ "$(state_of "$(reporter_of "$pid")")" = S ] || fail "the reporter stops"
	send "$pid" CONT
	kill -STOP -- "-$group"
	sleep 0.2
	[ "$(state_of "$pid") $(state_of "$(reporter_of "$pid")")" = "T S" ] || fail "its group, and the reporter"
	send "-$group" CONT TERM
	heard "signals" 9
}

# If the program is killed, the reporter must end soon. If the reporter is killed, the program must go on undisturbed.
kills() {
	local reporter
	listener env
	reporter=$(reporter_of "$pid")
	kill -KILL "$pid"
	wait "$job" 2> /dev/null
	[ $? = 137 ] || fail "the program is killed: $?"
	told 'untorn: no atomic writes seen*' || fail "killed, and told"
	gone "$reporter" || fail "the reporter stays"
	listener env
	reporter=$(reporter_of "$pid")
	kill -KILL "$reporter"
	gone "$reporter" || fail "the reporter is not killed"
	kill -USR2 "$pid"
	wait "$job"
	local status=$?
	[ "$status $(< err)" = "9 " ] || fail "without its reporter: status $status: $(< err)"
	rows=$((rows + 2))
}

# As process 1, which gets the orphans, untorn run starts the program as another process with its own group.
first_process() {
	unshare --pid --fork --mount-proc true 2> /dev/null || { echo "skipped: process 1 (no unshare)"; return; }
	rows=$((rows + 1))
	unshare --pid --fork --mount-proc "$BUILD/untorn" run --sim="$sim" --report -- python3 write.py '
import signal
got = []
for name in "TERM", "HUP":
    signal.signal(getattr(signal, "SIG" + name), lambda number, frame: got.append(number))
write(2)
os.kill(1, signal.SIGTERM); time.sleep(0.5)
os.kill(-os.getpgrp(), signal.SIGHUP); time.sleep(0.5)
sys.exit(7 if got == [15, 1] else 8)' 2> err
	local status=$?
	# shellcheck disable=SC2053
	told "$(writes 1 2)" && [ $status = 7 ] || fail "process 1: status $status"
}

# A reader of the program's output must see its end when the program closes it: the reporter must not keep it open.
streams() {
	rows=$((rows + 1))
	"$BUILD/untorn" run --sim="$sim" --report -- python3 write.py 'os.close(1); time.sleep(3); open("late", "w")' 2> err |
		{ cat; [ ! -e late ] || touch kept; }
	[ "$(ls late kept 2> /dev/null)" = late ] || fail "standard output is kept open"
	told 'untorn: *' || fail "told after a stream was closed"
}

# Reports of programs that have become another user.
other_user() {
	local nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	[ "$(id -u)" = 0 ] && "${nobody[@]}" test -r "$BUILD/libuntorn.so" 2> /dev/null ||
		{ echo "skipped: another user (no root, no setpriv, or $BUILD is closed to others)"; return; }
	rows=$((rows + 1))
	chmod -R a+rwX image* write.py
	run --report -- "${nobody[@]}" /usr/bin/python3 write.py 'write(4)' 2> err
	told "$(writes 1 4)" || fail "another user"
	# Many programs in a row, and one that opened the disk as root.
	rows=$((rows + 2))
	# shellcheck disable=SC2016 # the started shell expands it
	run --report -- "${nobody[@]}" sh -c 'for i in $(seq 300); do "$0" /dev/sim0n1 0 16384; done' \
		"$BUILD/examples/pwritev2" > out 2> err
	told "$(writes 300 300)" || fail "many of another user"
	run --report -- python3 write.py 'os.setuid(65534); write(2); os.fork() or (write(3), os._exit(0)); os.wait()' 2> err
	told "$(writes 2 5)" || fail "has become another user"
	cannot_harm "${nobody[@]}"
}

# Another user's process must not be able to end root's program or change its counts.
cannot_harm() { # COMMAND...
	rows=$((rows + 1))
	run --report -- python3 write.py '
import subprocess
write(1)
path = os.environ["UNTORN_STAT"].rpartition(":")[0]
open("harm", "w").write(path)
subprocess.run(sys.argv[2:] + ["sh", "-c", "truncate -s 0 $(cat harm); echo x > $(cat harm); cat $(cat harm)"])
try: os.truncate(path, 0)
except OSError: write(3)' "$@" > out 2> err
	local status=$?
	told "*denied*denied*denied*$(writes 1 4)" && [ $status = 0 ] && [ ! -s out ] ||
		fail "another user does harm: status $status"
}

logs() {
	export UNTORN_LOG=debug
	row "a line for each" 0 $'untorn[[]*: pwritev2 of 16384 bytes at 0 by command: done*\nuntorn[[]*at 16384*' 'write(2)'
	UNTORN_LOG=info
	row "good ones are not told" 0 '' 'write(2)'
	row "each reason once" 0 'untorn[[]*refused, EINVAL: the length is not a power of two' '
for i in range(5):
    try: os.pwritev(disk, [memoryview(page)[:12288]], 0, 0x40)
    except OSError: pass'
	row "the limits, of one beyond them" 0 \
		'untorn[[]*at 0 refused, EINVAL: smaller or larger than the device*s atomic unit (512 to 16384)' '
try: os.pwritev(disk, [mmap.mmap(-1, 65536)], 0, 0x40)
except OSError: pass'
	row "no length that was not read" 0 'untorn[[]*: pwritev2 refused, EBADF: not open for writing' '
try: os.pwritev(os.open("/dev/sim0n1", os.O_RDONLY | os.O_DIRECT), [page, page], 0, 0x40)
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
kills
first_process
streams
other_user
logs
left=$(find /run /tmp -maxdepth 1 -name '*untorn-*' -newer write.py -user "$(id -u)" 2> /dev/null)
[ -z "$left" ] || fail "left behind: $left"
echo "$rows rows, $failed failed"
[ $failed = 0 ]
