#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn verify over the simulated disk, by racing readers and by power cuts (UNTORN_VERIFY_KILLS, 10). On an honest
# disk it must find nothing; on disks that lie it must find their fault. Also what it must refuse to overwrite.
set -u
. tests/checks.sh
loops=()
finish() {
	for loop in "${loops[@]}"; do losetup -d "$loop" 2> /dev/null; done
	rm -rf "$work"
}
trap finish EXIT

has() { # WHAT TEXT FILE
	checks=$((checks + 1))
	grep -qF -- "$2" "$3" || fail "$1: no '$2' in: $(head -c 2000 "$3")"
}
sim() { # OPTIONS COMMAND...
	UNTORN_SIM="$u=$work/image,size=16M,nawupf=31,$1" \
		LD_PRELOAD="$BUILD/libuntorn-sim.so" "${@:2}"
}
verify() { # OPTIONS ARGUMENTS...: into $work/text and $work/said, the status in $status
	status=0
	sim "$1" "$untorn" verify "${@:2}" > "$work/text" 2> "$work/said" || status=$?
}
number() { # NAME: this number in the JSON of $work/text
	sed -nE "s/^ *\"$1\": *([0-9]+).*/\1/p" "$work/text"
}
fresh() { rm -f "$work"/image* "$work/log"; }

# Races: OPTIONS|STATUS|FIRST LINE, as a pattern
while IFS='|' read -r options expected verdict; do
	fresh
	verify "$options" --seconds=2 $u
	equal "race, $options: status" "$status" "$expected"
	checks=$((checks + 1))
	grep -qE "^$u: $verdict\$" "$work/text" || fail "race, $options: $(cat "$work/text" "$work/said")"
done << 'END'
seed=1|0|nothing found
lba=4096,nawupf=3|0|nothing found
kind=scsi,max_atomic=32|0|nothing found
nabspf=63|0|nothing found
tears=4096,tear_us=50|1|[0-9]+ torn
tears=512,tear_us=50|1|[0-9]+ torn
kind=scsi,max_atomic=32,tears=4096,tear_us=50|1|[0-9]+ torn
tears_across=24576,tear_us=50|1|[0-9]+ torn
drops=5|1|[0-9]+ lost
END

# Power cuts, each on the disk that the last one left: OPTIONS CUTS PATTERN. Ends at the first cut after which verify
# finds something; that must match PATTERN.
cuts() {
	local found=0 cut
	fresh
	for ((cut = 1; cut <= $2 && !found; cut++)); do
		rm -f "$work/log"
		verify "$1,seed=$cut,cut=$((20 + cut * 7 % 50))" --destroy --destroy --power-cut="$work/log" --pages=32 $u
		equal "$1, cut $cut: killed" "$status" 137
		verify seed=1 --check="$work/log" --json $u
		[ "$status" -le 1 ] || fail "$1, cut $cut: $(cat "$work/said")"
		[ "$(number acknowledged)" -gt 0 ] || fail "$1, cut $cut: nothing was acknowledged"
		[ "$status" = 0 ] && continue
		found=$((found + 1))
		grep -E '"(torn|garbled|lost|out_of_order|unreadable)": *[1-9]' "$work/text" |
			grep -vE "\"($3)\"" && fail "$1, cut $cut: that, too: $(cat "$work/text")"
	done
	echo "$found found in $((cut - 1)) cuts"
} 2> /dev/null
kills=${UNTORN_VERIFY_KILLS:-10}
equal "honest" "$(cuts atomic_gran=1 "$kills" none)" "0 found in $kills cuts"
equal "honest SCSI" "$(cuts kind=scsi,max_atomic=32 5 none)" "0 found in 5 cuts"
for lie in "tears=4096 torn" "tears_across=24576 torn" "drops=10 lost|out_of_order"; do
	said=$(cuts "${lie% *}" 60 "${lie#* }")
	equal "${lie% *} is caught" "${said%in *}" "1 found "
done

# Plain writes, neighbours at once: the simulated disk tears them at a cut, as any disk may do with merged writes.
fresh
torn=0
for cut in 1 2 3 4 5; do
	rm -f "$work/log"
	verify "seed=$cut,cut=$((60 + cut * 7))" --plain --destroy --destroy --power-cut="$work/log" --pages=32 $u
	equal "plain, cut $cut: killed" "$status" 137
	verify seed=1 --check="$work/log" --json $u
	torn=$((torn + $(number torn)))
done
equal "plain writes are torn" "$([ $torn -gt 0 ] && echo yes)" yes
fresh
verify seed=1 --plain --page=4k --seconds=1 $u
equal "plain, racing readers: status" "$status" 1 # the disk writes block by block
has "plain, racing readers" " torn" "$work/text"
has "plain: its pages" "256 pages of 4096 to 4096 bytes" "$work/text"

# A file: verify makes a new one and first writes all of it; it removes the file if it could not use it.
there=$work/file
touch "$work/theirs"
if verify seed=1 --plain --file="$there" --size=8M --seconds=1 && [ "$status" = 0 ]; then
	equal "file" "$(head -n 1 "$work/text")" "$there: nothing found"
	equal "file: its size" "$(stat -c %s "$there")" 8388608
	rm "$there"
	verify seed=1 --plain --file="$there" --size=8M --seconds=1 --power-cut="$work/log-of-file"
	has "file: what next" "untorn verify --check=$work/log-of-file --file=$there" "$work/said"
	verify seed=1 --check="$work/log-of-file" --file="$there"
	equal "file: checked" "$status $(head -n 1 "$work/text")" "0 $there: nothing found"
	rm "$there"
	verify seed=1 --file="$there"
	equal "file, by the flag: status" "$status" 2
	has "file, by the flag" "--plain tests writes without the flag" "$work/said"
	equal "file, by the flag: nothing is left" "$(ls "$there" 2> /dev/null)" ""
else
	has "file: no direct I/O here" "direct I/O" "$work/said"
	left_out="$left_out verify of a file (no direct I/O in $work);"
fi
verify seed=1 --plain --file="$work/theirs"
equal "somebody's file: status" "$status" 2
has "somebody's file" "already exists; name a new file" "$work/said"

# Volatile pages may be older than acknowledged, but must be whole.
fresh
verify cut=200,drops=2 --power-cut="$work/log" --volatile --pages=32 $u
verify seed=1 --check="$work/log" $u
equal "volatile" "$status $(head -n 1 "$work/text")" "0 $u: nothing found"
has "volatile" "older than acknowledged" "$work/text"

# The log goes to another host; verify ends by time or ^C; it must not overwrite a log, nor take another disk's log.
fresh
sim seed=1 "$untorn" verify --power-cut=- --seconds=1 $u 2> "$work/said" | cat > "$work/log"
has "piped: the report" "acknowledged writes are in the log" "$work/said"
has "piped: no verdict" "$u: written until stopped; nothing was checked yet" "$work/said"
has "piped: what next" "untorn verify --check=LOG $u" "$work/said"
verify seed=1 --check="$work/log" $u
equal "piped" "$status $(head -n 1 "$work/text")" "0 $u: nothing found"
verify seed=1 --power-cut="$work/log" --seconds=2 $u
equal "log is there: status" "$status" 2
has "log is there" "name a new file" "$work/said"
verify seed=1 --power-cut="$work/other" --seconds=1 --json --destroy --destroy $u
equal "unchecked: status" "$status" 0
has "unchecked" '"result":"unchecked"' <(tr -d ' ' < "$work/text")
has "unchecked: what next" "now or after the power cut: untorn verify --check=$work/other $u" "$work/said"
UNTORN_SIM="$u=$work/image,nawupf=31" LD_PRELOAD=$BUILD/libuntorn-sim.so \
	timeout --preserve-status -s INT 1 "$untorn" verify --json --destroy --destroy $u > "$work/text" 2> "$work/said"
equal "interrupted: status" $? 2
has "interrupted" '"result":"unfinished"' <(tr -d ' ' < "$work/text")
[ ! -s "$work/said" ] || fail "a progress bar, and no terminal: $(cat "$work/said")"
equal "JSON: writes" "$([ "$(number writes)" -gt 0 ] && echo some)" some
verify size=32M --check="$work/log" $u
has "another device" "is not the device of the log" "$work/said"
verify seed=1 --check="$untorn" $u
has "no log" "is not a log of untorn verify" "$work/said"
verify fault=5:0x4281 --destroy --destroy $u
equal "failing: status" "$status" 2
has "failing" "ended early: writing of" "$work/text"
line=$(head -n 1 "$work/text")
equal "failing: the first line" "${line/after *s,/}" "$u: cut short  until then nothing found"
sim seed=1 timeout -s INT 1 "$untorn" verify --destroy --destroy $u > "$work/text"
line=$(head -n 1 "$work/text")
equal "interrupted: the first line" "${line/after *s,/}" "$u: cut short  until then nothing found"
verify seed=1 --destroy --destroy --seconds=0.2 $u
equal "in full: the first line" "$status $(head -n 1 "$work/text")" "0 $u: nothing found"
if command -v script > /dev/null; then
	sim seed=1 script -qec "$untorn verify --destroy --destroy --seconds=1 $u" /dev/null < /dev/null > "$work/text"
	has "progress bar" "[###" "$work/text"
else
	left_out="$left_out progress bar (no script);"
fi

# Refused, but done if --destroy is given twice.
refused() { # WHAT TEXT: of the last verify
	equal "$1: status" "$status" 2
	has "$1" "$2" "$work/said"
}
fresh
printf '\125\252' > "$work/magic" # 55 AA: with one entry it is a partition table
printf '\0\0\1\0\203\0\2\0\0\10\0\0\0\20\0\0' > "$work/entry"
truncate -s 16M "$work/image"
dd if="$work/entry" of="$work/image" bs=1 seek=446 conv=notrunc status=none
dd if="$work/magic" of="$work/image" bs=1 seek=510 conv=notrunc status=none
cp "$work/image" "$work/table"
verify seed=1 --seconds=1 $u
refused "partition table" "has a partition table (dos)"
has "the way out" "twice: --destroy --destroy" "$work/said"
verify seed=1 --seconds=1 --destroy $u
refused "told once" "has a partition table (dos)"
equal "not touched" "$(cmp "$work/image" "$work/table" 2>&1)" ""
verify seed=1 --seconds=1 --destroy --destroy $u
equal "told twice" "$status" 0
if command -v mke2fs > /dev/null || PATH=$PATH:/sbin:/usr/sbin command -v mke2fs > /dev/null; then
	fresh
	truncate -s 16M "$work/image"
	PATH=$PATH:/sbin:/usr/sbin mke2fs -q "$work/image"
	verify seed=1 $u
	refused "filesystem" "has a signature of ext2"
else
	left_out="$left_out filesystem (no mke2fs);"
fi
for mistake in "|name one device" "$u $u|name one device" "--bogus $u|untorn verify --help" \
	"--seconds=0 $u|--seconds" "--seconds=x $u|--seconds" "--pages=0 $u|--pages" \
	"--pages=65537 $u|--pages" "--page=16k $u|needs --plain" "--plain --page=3k $u|a power of two" \
	"--size=1M $u|needs --file" "--file=x --size=5k|a multiple of 4096" "--file=x $u|name one device" "--volatile $u|needs --power-cut" \
	"--power-cut=a --check=b $u|give one" "/dev/null|not a block device" \
	"$work|not a block device" "/nowhere|No such file" "--nvme-limits=x $u|unknown value"; do
	# shellcheck disable=SC2086
	verify seed=1 ${mistake%|*}
	refused "${mistake%|*}" "${mistake#*|}"
done
fresh
verify nabo=8 $u
refused "no atomic writes" "untorn doctor $u says why"
verify readonly $u
equal "read-only: status" "$status" 2

# Devices of this machine that are in use: a mounted loop device, and one with partitions.
in_use() {
	PATH=$PATH:/sbin:/usr/sbin
	truncate -s 16M "$work/loop"
	mke2fs -q "$work/loop" || return
	loop=$(losetup --find --show "$work/loop") || return
	loops+=("$loop")
	mkdir "$work/mnt"
	mount "$loop" "$work/mnt" 2> /dev/null || return
	"$untorn" verify "$loop" > "$work/text" 2> "$work/said"
	status=$?
	umount "$work/mnt"
	refused "mounted" "is mounted on $work/mnt"
	"$untorn" verify "$loop" > "$work/text" 2> "$work/said"
	status=$?
	refused "not mounted" "has a signature of ext2"
	"$untorn" verify --destroy --destroy "$loop" > "$work/text" 2> "$work/said"
	status=$?
	refused "a loop device" "has no atomic writes"
	dd if=/dev/zero of="$loop" bs=1M count=16 status=none
	status=0
	python3 -c "import os, subprocess, sys; os.open('$loop', os.O_RDWR | os.O_EXCL)
sys.exit(subprocess.call(['$untorn', 'verify', '$loop']))" > "$work/text" 2> "$work/said" || status=$?
	refused "claimed" "$loop is in use"
}
[ "$(id -u)" = 0 ] && in_use 2> /dev/null || left_out="$left_out mounted (no root or loop device);"

[ -z "$left_out" ] || echo "left out:$left_out"
[ "$bad" = 0 ] && echo "$checks checks"
exit $bad
