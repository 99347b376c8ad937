#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn verify in guests that lose their power. While it writes, this script kills QEMU at a random moment. The next
# boot compares the disk with the log, which is kept outside the guest, and writes again. The disk is honest: verify
# may find nothing. First UNTORN_VERIFY_KILLS (3) times, on UNTORN_VERIFY_KERNELS in turn. Then
# UNTORN_VERIFY_FILE_KILLS (2) times with plain writes to a file, on ext4 with bigalloc over a queue that merges
# nothing, which the doctor must call good. UNTORN_VERIFY_LOUD=1 prints a line for each kill. 200 kills take an hour
# and more: run this script by itself.
set -eu -o pipefail
. tests/vm/lib.sh

kills=${UNTORN_VERIFY_KILLS:-3}
read -r -a kernels <<< "${UNTORN_VERIFY_KERNELS:-6.1 7}"
out=$(scratch)
# The image lies beside the programs, because /tmp may lack direct I/O. It is written once here, so that no later
# write needs the filesystem to allocate blocks.
folder=$(mktemp -d -p "$(realpath build)")
trap 'rm -rf "$scratch_root" "$folder"' EXIT
dd if=/dev/zero of="$folder/disk" bs=1M count=32 oflag=direct status=none ||
	{ echo "SKIP: no direct I/O in $folder"; exit 77; }

# As guest(), but on a file. The first round makes the filesystem; each round makes a new file.
guest_file() { # ROUND
	cat <<-END
		set -e
		. tests/vm/guest_lib.sh
		. tests/vm/guest_scsi.sh
		load ext4 || true
		disk=\$(disk d0) queue=/sys/block/\$(basename \$(disk d0))/queue
		grep -qx 2 \$queue/nomerges || echo 2 > \$queue/nomerges
		[ $1 -gt 1 ] || mkfs.ext4 -q -F -b 4096 -O bigalloc -C 16384 -J size=4 \$disk
		mkdir /tmp/at && mount \$disk /tmp/at
		build/untorn doctor --page=16k /tmp/at | grep -q 'path: yes$'
		if [ $1 -gt 1 ]; then
			build/untorn verify --check=\$OUT/log-$(($1 - 1)) --json --file=/tmp/at/file > \$OUT/report
			cp \$OUT/report \$OUT/report-$(($1 - 1))
			rm /tmp/at/file
		fi
		[ $1 -gt $kills ] || build/untorn verify --plain --power-cut=\$OUT/log-$1 --file=/tmp/at/file --size=8M
	END
}
guest() { # ROUND: checks the round before and writes until it is killed; the last one only checks
	cat <<-END
		. tests/vm/guest_lib.sh
		disk=\$(disk d0)
		if [ $1 -gt 1 ]; then
			build/untorn verify --check=\$OUT/log-$(($1 - 1)) --json \$disk > \$OUT/report || exit
			cp \$OUT/report \$OUT/report-$(($1 - 1))
		fi
		[ $1 -gt $kills ] || build/untorn verify --power-cut=\$OUT/log-$1 \$disk
	END
}
boot() { # ROUND
	rm -f "$out/pid"
	vm -k "${kernels[$1 % ${#kernels[@]}]}" -t 600 -m 1G -o "$out" -a "-pidfile $out/pid" \
		-d "$folder/disk;;atomic.nawun=31,atomic.nawupf=31" -c -- "$("$writes" "$1")" > "$out/said" 2>&1
}
size() { stat -c %s "$1" 2> /dev/null || echo 0; }

# Waits until the log has so many bytes, about 64 for each write.
await() { # ROUND BYTES
	while kill -0 "$running" 2> /dev/null && [ "$(size "$out/log-$1")" -lt "$2" ]; do sleep 0.1; done
}

look() { # ROUND: checks the report on it
	[ -s "$out/report-$1" ] || { cat "$out/said" "$out/report" 2> /dev/null; echo "kill $1: no good report"; exit 1; }
	grep -q '"result": *"none"' "$out/report-$1" || { cat "$out/report-$1"; exit 1; }
	acknowledged=$((acknowledged + $(sed -nE 's/.*"acknowledged": *([0-9]+).*/\1/p' "$out/report-$1")))
	rm -f "$out/log-$1"
}

kill_them() { # KILLS GUEST-FUNCTION
	kills=$1 writes=$2 acknowledged=0
	rm -f "$out"/report* "$out"/log-*
	for ((round = 1; round <= kills; round++)); do
		boot "$round" & running=$!
		await "$round" $((64 * (1 + RANDOM % 40 * (RANDOM % 40))))
		sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
		[ ! -s "$out/pid" ] || kill -9 "$(cat "$out/pid")"
		status=0
		wait "$running" || status=$?
		[ $status != 77 ] || exit 77
		[ -s "$out/log-$round" ] || { cat "$out/said"; echo "kill $round: nothing was written"; exit 1; }
		[ "$round" = 1 ] || look $((round - 1))
		[ -z "${UNTORN_VERIFY_LOUD:-}" ] || echo "$round kills, $acknowledged writes acknowledged"
	done
	boot "$round" || { status=$?; cat "$out/said"; exit $status; }
	look "$kills"
	echo "$writes: $kills kills, $acknowledged acknowledged writes: nothing torn, lost or out of order"
}
kill_them "$kills" guest
kill_them "${UNTORN_VERIFY_FILE_KILLS:-2}" guest_file
