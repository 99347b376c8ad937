#!/bin/bash
# SPDX-License-Identifier: MIT
# Every program of examples/ over the simulated disk. Under the shim it must succeed, with one command per write at the
# disk. Without the shim, and so without atomic writes, it must say so and write nothing.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library would have to come first"; exit 77 ;; esac
BUILD=$(realpath "$BUILD")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD UNTORN_MODE UNTORN_NVME_LIMITS UNTORN_AIO
export UNTORN_SIM="/dev/sim0n1=$work/image,size=16M,nawun=31,nawupf=31,log=$work/log"
rows=0 failed=0 skipped=0

wrong() { failed=$((failed + 1)); echo "FAILED $*"; }

start() { # PRELOAD COMMAND...
	: > "$work/log"
	LD_PRELOAD=$1 timeout 60 "${@:2}" > "$work/out" 2> "$work/err"
	status=$?
}

# WORDS|COMMANDS AT THE DISK|ITS OUTPUT|ITS OUTPUT WITHOUT THE SHIM|STATUS WITHOUT
while IFS='|' read -r words commands with without refusal; do
	rows=$((rows + 1))
	program=$BUILD/examples/${words%% *}
	[ -x "$program" ] || { skipped=$((skipped + 1)); echo "skipped: $words was not built"; continue; }
	read -ra arguments <<< "${words#* }"
	start "$BUILD/libuntorn.so:$BUILD/libuntorn-sim.so" "$program" "${arguments[@]}"
	[ "$status" = 0 ] && [ "$(< "$work/out")" = "$with" ] ||
		wrong "$words: status $status, $(cat "$work/out" "$work/err")"
	[ "$(grep -c via=submit "$work/log")" = "$commands" ] || wrong "$words: $(< "$work/log")"
	start "$BUILD/libuntorn-sim.so" "$program" "${arguments[@]}"
	[ "$status" = "$refusal" ] && grep -q "$without" "$work/out" "$work/err" ||
		wrong "$words without the shim: status $status, $(cat "$work/out" "$work/err")"
	[ ! -s "$work/log" ] || wrong "$words without the shim wrote: $(< "$work/log")"
done << 'END'
statx /dev/sim0n1|0|/dev/sim0n1: atomic writes of 512 to 16384 bytes|no atomic writes|1
pwritev2 /dev/sim0n1 0 16384|1|16384 bytes at 0, all or nothing|has no atomic writes|1
pwritev2 /dev/sim0n1 65536 4096|1|4096 bytes at 65536, all or nothing|has no atomic writes|1
libaio /dev/sim0n1 16384 8|8|8 writes of 16384 bytes, each all or nothing|has no atomic writes|1
libaio /dev/sim0n1 512 64|64|64 writes of 512 bytes, each all or nothing|has no atomic writes|1
io_uring /dev/sim0n1 16384 8|8|8 writes of 16384 bytes, each all or nothing|has no atomic writes|1
io_uring /dev/sim0n1 512 64|64|64 writes of 512 bytes, each all or nothing|has no atomic writes|1
END

# A length or place outside the limits: the program must name untorn doctor and write nothing.
for words in "pwritev2 /dev/sim0n1 512 16384" "libaio /dev/sim0n1 32768 2" "io_uring /dev/sim0n1 32768 2"; do
	program=$BUILD/examples/${words%% *}
	[ -x "$program" ] || continue
	rows=$((rows + 1))
	# shellcheck disable=SC2086 # several words
	start "$BUILD/libuntorn.so:$BUILD/libuntorn-sim.so" "$program" ${words#* }
	[ "$status" = 1 ] && grep -q "untorn doctor DEVICE shows them" "$work/err" && [ ! -s "$work/log" ] ||
		wrong "$words: status $status, $(cat "$work/out" "$work/err" "$work/log")"
done

# A device that another process claims exclusively, as a mount does, must not be written to.
claim() { python3 -c "import os, subprocess, sys; os.open('$1', os.O_RDONLY | os.O_EXCL)
sys.exit(subprocess.call(sys.argv[1:]))" "${@:2}"; }
truncate -s 1M "$work/loop"
if [ "$(id -u)" = 0 ] && command -v python3 > /dev/null && loop=$(losetup --find --show "$work/loop" 2> /dev/null); then
	for words in "pwritev2 $loop 0 512" "libaio $loop 512 1" "io_uring $loop 512 1"; do
		program=$BUILD/examples/${words%% *}
		[ -x "$program" ] || continue
		rows=$((rows + 1))
		# shellcheck disable=SC2086 # several words
		claim "$loop" "$program" ${words#* } 2> "$work/err" && wrong "$words: in use, and done"
		grep -q "in use: mounted, swap" "$work/err" || wrong "$words: $(< "$work/err")"
	done
	losetup -d "$loop"
else
	skipped=$((skipped + 1))
	echo "skipped: a device in use (no root, python3 or loop device)"
fi

# The command in each example's first comment must build it.
mkdir "$work/built"
ln -s "$PWD/include" "$PWD/examples" "$work/built"
for source in examples/*.c; do
	[ -x "$BUILD/${source%.c}" ] || continue
	rows=$((rows + 1))
	command=$(sed -n 's/^ \*\t\(cc .*\)/\1/p' "$source")
	(cd "$work/built" && eval "${command:?}") || wrong "$command"
done
echo "$rows rows, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
