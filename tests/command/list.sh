#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn list, and untorn doctor without a device, on this machine's block devices and on simulated disks: a line for
# each, the same in JSON. Checks which devices are listed, their order, and that nothing is written.
set -u
. tests/checks.sh
command -v python3 > /dev/null || { echo "SKIP: no python3" && exit 77; }

json() { # WHAT EXPRESSION-OF-o WANTED, about $work/json
	equal "$1, in JSON" "$(python3 -c "import json; o = json.load(open('$work/json')); print(($2))" 2>&1)" "$3"
}
sim() { # OPTIONS COMMAND...
	rm -rf "$work"/image*
	UNTORN_SIM="$u=$work/image,size=16M,log=$work/log,$1" LD_PRELOAD=$simulated "${@:2}"
}

# One disk: OPTIONS|DEVICE|MODEL|UNIT|LANE|REASON
while IFS='|' read -r options device model unit lane reason; do
	sim "$options" "$untorn" list $device > "$work/text" 2> "$work/stderr"
	equal "$options: status" $? 0
	equal "$options: head" "$(head -n 1 "$work/text" | tr -s ' ')" "NAME MODEL UNIT LANE REASON"
	equal "$options" "$(sed -n 2p "$work/text" | tr -s ' ')" "$device $model $unit $lane $reason"
	equal "$options: lines" "$(wc -l < "$work/text")" 2
	[ ! -s "$work/stderr" ] || fail "$options: $(cat "$work/stderr")"
	[ ! -s "$work/log" ] || fail "$options: the disk was written: $(cat "$work/log")"
	sim "$options" "$untorn" list --json $device > "$work/json"
	d="o['devices'][0]"
	json "$options" "'%s|%s|%s|%s' % (${d}['device'], ${d}['model'], ${d}['lane'], ${d}['reason'])" \
		"$device|${model/#-/None}|$lane|$reason"
	case $unit in -) unit=0..0 ;; *..*) ;; *) unit=$unit..$unit ;; esac
	json "$options: unit" "'%d..%d' % (${d}['unit_min'], ${d}['unit_max'])" "$unit"
	sim "$options" "$untorn" doctor --json $device > "$work/doctor"
	json "$options: as the doctor" "all(${d}[k] == json.load(open('$work/doctor'))[k] for k in ('qualifies', 'lane', 'unit_min', 'unit_max', 'boundary'))" True
done << EOF2
nawupf=31|$u|untorn simulated disk|512..16384|command|each by one NVMe Write
nawupf=31,nabspf=63|$u|untorn simulated disk|512..16384|command|each by one NVMe Write
awupf=31|$u|untorn simulated disk|512|command|each by one NVMe Write
nawupf=31,part=2048+4096|${u}p1|untorn simulated disk|512..16384|command|each by one NVMe Write
nawupf=31,nabo=1|$u|untorn simulated disk|-|none|its atomic boundaries start at an offset (NABO)
nawupf=31,readonly|$u|untorn simulated disk|-|none|it is read-only
nawupf=31,unprivileged|$u|untorn simulated disk|-|none|cannot tell: this user may not ask the device for its identify data
nawupf=31,no_answer|$u|untorn simulated disk|-|none|cannot tell: the device does not answer: Input/output error
nawupf=31,closed|$u|untorn simulated disk|-|none|cannot tell: this user may not open the device
kind=scsi,max_atomic=32|$u|simulated disk|512..16384|command|each by one SCSI WRITE ATOMIC (16)
kind=scsi,max_atomic=32,unprivileged|$u|simulated disk|-|none|the device can do 512 to 16384 bytes, but this user may not send a write command
kind=scsi|$u|simulated disk|-|none|the device promises none (VPD page B0h)
kind=none|$u|-|-|none|not an NVMe namespace, SCSI disk, or a partition of one
EOF2
sim awupf=31 "$untorn" list --nvme-limits=controller $u > "$work/text"
equal "by AWUPF" "$(sed -n 2p "$work/text" | tr -s ' ')" \
	"$u untorn simulated disk 512..16384 command each by one NVMe Write"

# This machine's devices, as lsblk lists them, for root and for nobody. The list may show atomic writes only where the
# doctor does.
disks() { grep . /sys/dev/block/*/size; }
machine() { # WHAT COMMAND...
	local before=none after tries=0
	# Other tests may make loop devices meanwhile: then try again.
	until [ "$before" = "$(disks)" ] || [ $tries = 20 ]; do
		[ $tries = 0 ] || sleep 1
		tries=$((tries + 1)) before=$(disks)
		"${@:2}" "$untorn" list > "$work/text" 2> "$work/stderr"
		after=$?
		"${@:2}" "$untorn" list --json > "$work/json"
		equal "$1: status with --json" $? 0
		lsblk -dnpo NAME,SIZE > "$work/lsblk" 2> /dev/null
		"${@:2}" "$untorn" doctor > "$work/doctor" 2>&1
		equal "$1: doctor: status" $? 0
		"${@:2}" "$untorn" doctor --json > "$work/doctor_json"
		"${@:2}" "$untorn" list --all > "$work/all"
		find /sys/dev/block -name "*:*" > "$work/numbers"
	done
	equal "$1: status" $after 0
	[ ! -s "$work/stderr" ] || fail "$1: $(cat "$work/stderr")"
	json "$1: version" "o['version']" 1
	json "$1: the same" "'\n'.join(d['device'] for d in o['devices'])" \
		"$(tail -n +2 "$work/text" | cut -d ' ' -f 1)"
	! command -v lsblk > /dev/null || equal "$1: as lsblk has them" \
		"$(tail -n +2 "$work/text" | cut -d ' ' -f 1)" "$(awk '$2 != "0B" { print $1 }' "$work/lsblk" | sort -V)"
	equal "$1: doctor without a device" "$(cat "$work/doctor")" "$(cat "$work/text")"
	equal "$1: doctor --json" "$(cat "$work/doctor_json")" "$(cat "$work/json")"
	equal "$1: all" "$(tail -n +2 "$work/all" | wc -l)" "$(wc -l < "$work/numbers")"
}
machine "this machine" env
[ "$(id -u)" != 0 ] || ! command -v setpriv > /dev/null ||
	machine "nobody" setpriv --reuid=65534 --regid=65534 --clear-groups

# The listed devices and their order, in a /sys that lists simulated disks.
enumerated() {
	mount -t tmpfs none /sys/dev/block || exit 99
	mkdir /sys/dev/block/240:{0,1,16,32}
	disks="/dev/sim10n1=$work/a,size=16M,nawupf=31,part=2048+4096;/dev/sim2n1=$work/b,size=16M,nawupf=31,lba=4096"
	disks="$disks;/dev/sim0n1=$work/c,size=16M,kind=none"
	listed() { UNTORN_SIM=$disks LD_PRELOAD=$simulated "$untorn" list "$@" | tail -n +2 | cut -d ' ' -f 1 | tr '\n' ' '; }
	equal "in order, without partitions" "$(listed)" "/dev/sim0n1 /dev/sim2n1 /dev/sim10n1 "
	equal "all" "$(listed --all)" "/dev/sim0n1 /dev/sim2n1 /dev/sim10n1 /dev/sim10n1p1 "
	UNTORN_SIM=$disks LD_PRELOAD=$simulated "$untorn" list > "$work/text"
	equal "columns" "$(cat "$work/text")" "$(cat << 'END'
NAME         MODEL                 UNIT         LANE    REASON
/dev/sim0n1  -                     -            none    not an NVMe namespace, SCSI disk, or a partition of one
/dev/sim2n1  untorn simulated disk 4096..131072 command each by one NVMe Write
/dev/sim10n1 untorn simulated disk 512..16384   command each by one NVMe Write
END
)"
	rmdir /sys/dev/block/*
	equal "none: status" "$("$untorn" list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["devices"])')" "[]"
	[ "$bad" = 0 ] || exit 1
}
if [ "$(id -u)" = 0 ] && unshare --mount true 2> /dev/null; then
	export -f enumerated fail equal
	export untorn simulated work bad checks
	unshare --mount --propagation private bash -c enumerated || bad=1
else
	left_out="$left_out a /sys of our own (not root);"
fi

# Mistakes.
refused() { # WHAT TEXT COMMAND...
	local said status=0
	said=$("${@:3}" 2>&1 > "$work/stdout") || status=$?
	equal "$1: status" $status 2
	case $said in *"$2"*) ;; *) fail "$1: no '$2' in: $said" ;; esac
}
refused "null" "/dev/null is not a block device" "$untorn" list /dev/null
refused "missing" "No such file" "$untorn" list "$work/none"
refused "option" "untorn list --help" "$untorn" list --bogus
refused "policy" "unknown value x" "$untorn" list --nvme-limits=x
# shellcheck disable=SC2069 # only the message
full() { "$untorn" list 2>&1 > /dev/full; }
equal "full disk" "$(full)" "untorn: cannot write the list: No space left on device"
full > /dev/null
equal "full disk: status" $? 2

[ -z "$left_out" ] || echo "left out:$left_out"
[ "$bad" = 0 ] && echo "$checks checks"
exit $bad
