#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn doctor in unusual places: without /sys, as nobody, in a cgroup with limits, for names that are not UTF-8. And
# its report for other people must have nothing that identifies a drive, a machine or a user.
set -u
. tests/checks.sh
command -v python3 > /dev/null || { echo "SKIP: no python3" && exit 77; }

has() { # WHAT FILE TEXT
	checks=$((checks + 1))
	grep -qF -- "$3" "$2" || fail "$1: no '$3' in: $(cat "$2")"
}
lacks() { # WHAT FILE TEXT
	checks=$((checks + 1))
	! grep -qF -- "$3" "$2" || fail "$1: '$3' in: $(cat "$2")"
}
json() { # WHAT EXPRESSION-OF-o WANTED, about $work/json, which has to be UTF-8
	equal "$1, in JSON" "$(python3 -c "import json; o = json.loads(open('$work/json', 'rb').read().decode('utf-8')); print(($2))" 2>&1)" "$3"
}
sim() { # OPTIONS COMMAND...
	rm -rf "$work"/image*
	UNTORN_SIM="$u=$work/image,size=16M,$1" LD_PRELOAD=$BUILD/libuntorn-sim.so "${@:2}"
}
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# A report: its bytes must have no serial number, and lead to the same decision as the disk.
bytes() { # FILE: the bytes that the report shows
	sed -nE 's/^[0-9a-f]{4}  //p' "$1" | tr -d ' x\n' | python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))'
}
sim nawupf=31,awupf=63 "$untorn" doctor --report $u > "$work/report"
equal "report: status" $? 0
equal "report: first line" "$(head -n 1 "$work/report")" "untorn drive report 1"
equal "report: last line" "$(tail -n 1 "$work/report")" "end of report"
has "report" "$work/report" "verdict      yes: atomic writes of 512 to 16384 bytes, each by one NVMe Write"
has "report" "$work/report" "namespace    512..16384, boundary 0"
has "report" "$work/report" "0000  36 1b 00 00 xx xx"
has "report: AWUPF" "$work/report" "0210  3f 00"
has "report: NAWUPF" "$work/report" "0020  00 00 00 00 1f 00"
has "report: model" <(bytes "$work/report") "untorn simulated disk"
lacks "report: serial numbers" <(bytes "$work/report" | tr -d '\0') "-sim"
lacks "report: identifiers" <(bytes "$work/report" | tr -d '\0') "sim-"
for private in "number  " "serial  " untorn-sim "node  " "user  " "layers" $u; do
	lacks "report: private" "$work/report" "$private"
done
sim awupf=63 "$untorn" doctor --report $u > "$work/report"
has "report: by the namespace" "$work/report" "namespace    512..512, boundary 0"
has "report: by the controller" "$work/report" "controller   512..32768, boundary 0"
sim amazon=31:7:255 "$untorn" doctor --report $u > "$work/report"
has "report: Amazon's fields" "$work/report" "0280  1f 00 07 00 ff 00 00 00 xx xx xx xx xx xx xx xx"
sim kind=scsi,max_atomic=32 "$untorn" doctor --report $u > "$work/report"
equal "report of a SCSI disk: status" $? 0
has "report of a SCSI disk" "$work/report" "VPD page B0h, 64 bytes"
has "report of a SCSI disk" "$work/report" "0000  00 00 00 00 00 00 7f ff 00 00 02 00"
has "report of a SCSI disk" "$work/report" "0020  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 20"
sim nawupf=31,no_answer "$untorn" doctor --report $u > "$work/report"
equal "report of a silent disk: status" $? 2
lacks "report of a silent disk" "$work/report" "Identify Controller,"

# Names may be any bytes.
mkdir "$work"/$'n\xc3\xa4me-\xff\xc3'
weird=$work/$'n\xc3\xa4me-\xff\xc3/disk'
asked() { # SHELL... with a node of that name
	UNTORN_SIM="$weird=$work/image,size=16M,nawupf=31" LD_PRELOAD=$BUILD/libuntorn-sim.so "$@"
}
rm -rf "$work"/image*
asked "$untorn" doctor --json "$weird" > "$work/json"
equal "name that is not UTF-8: status" $? 0
json "name that is not UTF-8" "ascii(o['device'].rsplit('/', 2)[1])" "'n\\xe4me-\\\\xff\\\\xc3'"
asked "$untorn" doctor "$weird" > "$work/text"
equal "name that is not UTF-8, as text" "$(head -n 1 "$work/text")" \
	"$work/näme-\\xff\\xc3/disk: atomic writes of 512 to 16384 bytes, each by one NVMe Write"
python3 -c "open('$work/text', 'rb').read().decode('utf-8')" || fail "the text is not UTF-8"
asked "$untorn" list --json "$weird" > "$work/json"
json "list of a name that is not UTF-8" "len(o['devices']), 'xff' in o['devices'][0]['device']" "(1, True)"

# cgroups: the doctor runs as if in one of them.
throttled() { # CGROUP COMMAND...: over a simulated disk
	sim nawupf=31,part=2048+4096 bash -c '
		unset LD_PRELOAD
		echo "0::$1" > "$2/cgroup"
		mount --bind "$2/cgroup" "/proc/$$/cgroup" || exit 99
		LD_PRELOAD=$3/libuntorn-sim.so exec "${@:4}"' - "$1" "$work" "$BUILD" "${@:2}"
}
limit() { # CGROUP FILE LINE...
	mkdir -p "/sys/fs/cgroup$1"
	printf '%s\n' "${@:3}" > "/sys/fs/cgroup$1/$2"
}
warned() { # WHAT CGROUP WANTED [DEVICE]
	throttled "$2" "$untorn" doctor "${4:-$u}" > "$work/text" || fail "$1: status $?"
	local end="; untorn's commands bypass that limit"
	equal "$1" "$(sed -n 2p "$work/text")" "${3:+WARNING: the cgroup $3$end}"
}
cgroups() {
	mount -t tmpfs none /sys/fs/cgroup || exit 99
	: > /sys/fs/cgroup/cgroup.controllers
	warned "no limit" /db/one ""
	limit /db/one io.max "8:0 rbps=max wbps=1 riops=max wiops=1" "240:01 rbps=max wbps=7 riops=max wiops=max"
	warned "limits of other disks" /db/one ""
	limit /db/one io.max "240:0 rbps=4096 wbps=max riops=9 wiops=max"
	warned "a limit on reads" /db/one ""
	limit /db/one io.max "8:0 rbps=max wbps=1 riops=max wiops=1" "240:0 rbps=max wbps=1048576 riops=max wiops=max"
	warned "io.max" /db/one "/db/one limits writes to this disk (io.max wbps=1048576)"
	warned "io.max, of a partition" /db/one "/db/one limits writes to this disk (io.max wbps=1048576)" ${u}p1
	warned "io.max of a parent" /db/one/two "/db/one limits writes to this disk (io.max wbps=1048576)"
	warned "io.max of a sister" /db/onetwo ""
	throttled /db/one "$untorn" doctor --json $u > "$work/json"
	json "io.max" "len(o['warnings']), 'io.max' in o['warnings'][0]" "(1, True)"
	throttled /db "$untorn" doctor --json $u > "$work/json"
	json "no io.max" "o['warnings']" "[]"
	limit /late io.latency "240:0 target=75"
	warned "io.latency" /late "/late limits writes to this disk (io.latency target=75)"
	limit "" io.cost.qos "240:0 enable=0 ctrl=auto"
	warned "io.cost, off" /db ""
	limit "" io.cost.qos "240:0 enable=1 ctrl=auto"
	warned "io.cost" /db "/ limits writes to this disk (io.cost.qos enable=1)"
	limit $'/\xff' io.max "240:0 rbps=max wbps=5 riops=max wiops=6"
	warned "cgroup that is not UTF-8" $'/\xff' "/\\xff limits writes to this disk (io.max wbps=5 wiops=6)"
	UNTORN_MODE=off throttled /db/one "$untorn" doctor $u > "$work/text"
	lacks "no commands, no warning" "$work/text" WARNING
	mkdir /sys/fs/cgroup/unified && mv /sys/fs/cgroup/{db,cgroup.controllers} /sys/fs/cgroup/unified
	warned "beside version 1" /db/one "/db/one limits writes to this disk (io.max wbps=1048576)"
}

# Without /sys the doctor must only say that it cannot tell. As nobody it may not open a device.
without_sys() {
	mount -t tmpfs none /sys || exit 99
	"$untorn" doctor "$node" > "$work/text" 2> "$work/stderr"
	equal "no /sys: status" $? 2
	equal "no /sys" "$(head -n 1 "$work/text")" "$node: cannot tell: /sys/dev/block/$number: No such file or directory"
	has "no /sys" "$work/text" "mount sysfs on /sys"
	"$untorn" doctor --json "$node" > "$work/json" 2>> "$work/stderr"
	equal "no /sys, JSON: status" $? 2
	json "no /sys" "o['qualifies'], o['lane']" "('unknown', 'none')"
	"$untorn" list "$node" > "$work/text" 2>> "$work/stderr"
	equal "no /sys, list of one: status" $? 0
	has "no /sys, list of one" "$work/text" "cannot tell: /sys/dev/block/$number: No such file or directory"
	[ ! -s "$work/stderr" ] || fail "no /sys: $(cat "$work/stderr")"
	equal "no /sys, list" "$("$untorn" list 2>&1)" \
		"untorn: cannot list the block devices: /sys/dev/block: No such file or directory"
	"$untorn" list > /dev/null 2>&1
	equal "no /sys, list: status" $? 2
}
# A layer, made of a loop device and a /sys of our own: the doctor may advise to bypass it only if that helps.
layered() {
	mount -t tmpfs none /sys/dev/block && mkdir -p /sys/dev/block/7:7/slaves/sim0n1 && mknod "$work/layer" b 7 7 || exit 99
	echo 240:0 > /sys/dev/block/7:7/slaves/sim0n1/dev
	advice="a layer may split a write or send it elsewhere: let the program open the devices below $work/layer (sim0n1)"
	sim nawupf=31 "$untorn" doctor "$work/layer" > "$work/text"
	equal "layer: status" $? 1
	has "layer" "$work/text" "  lies on                sim0n1"
	has "layer over a disk that can" "$work/text" "$advice"
	sim nawupf=31,unprivileged "$untorn" doctor "$work/layer" > "$work/text"
	has "layer over a disk that may" "$work/text" "$advice"
	sim nawupf=31,nabo=1 "$untorn" doctor "$work/layer" > "$work/text"
	has "layer over a disk that cannot" "$work/text" "  lies on                sim0n1"
	lacks "layer over a disk that cannot" "$work/text" "let the program open"
	rm "$work/layer"
}
in_a_namespace() { # FUNCTION
	unshare --mount --propagation private bash -c "$1; [ \$bad = 0 ] || exit 1; exit 0" || bad=1
}
node='' number=''
for path in /sys/class/block/*; do
	[ -b "/dev/${path##*/}" ] && node=/dev/${path##*/} number=$(cat "$path/dev") && break
done
if [ "$(id -u)" = 0 ] && unshare --mount true 2> /dev/null; then
	export -f fail equal has lacks json sim throttled limit warned cgroups layered without_sys
	export untorn u work BUILD bad checks node number
	in_a_namespace cgroups
	if [ -d /sys/dev/block/7:7 ]; then in_a_namespace layered; else left_out="$left_out layers (no loop devices);"; fi
	[ -z "$node" ] || in_a_namespace without_sys
else
	left_out="$left_out cgroups and /sys (not root);"
fi
# untorn list as nobody, on this machine.
if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
	nobody "$untorn" list --json > "$work/json"
	equal "list as nobody: status" $? 0
	json "list as nobody" "o['version'], len([d for d in o['devices'] if d['qualifies'] == 'yes'])" "(1, 0)"
fi

[ -z "$left_out" ] || echo "left out:$left_out"
[ "$bad" = 0 ] && echo "$checks checks"
exit $bad
