#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn doctor and untorn publish, on the simulated disk and on this machine's devices. Checks the exit status, the
# verdict in the first line, its evidence and advice, the same in JSON, and that no device is written.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library comes first"; exit 77 ;; esac
untorn=$BUILD/untorn
unset LD_PRELOAD UNTORN_MODE UNTORN_NVME_LIMITS UNTORN_SIM
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0 checks=0
left_out=
command -v python3 > /dev/null || left_out="$left_out JSON (no python3);"

fail() { echo "$*"; bad=1; }
equal() { # WHAT GOT WANTED
	checks=$((checks + 1))
	[ "$2" = "$3" ] || fail "$1: '$2', not '$3'"
}
json() { # WHAT EXPRESSION-OF-o WANTED, about $work/json
	case $left_out in *python3*) return ;; esac
	equal "$1, in JSON" "$3" \
		"$(python3 -c "import json; o = json.load(open('$work/json')); print(($2))" 2>&1)"
}
sim() { # OPTIONS COMMAND...
	UNTORN_SIM="/dev/sim0n1=$work/image,size=16M,log=$work/log,$1" \
		LD_PRELOAD="${SIM_PRELOAD:-$BUILD/libuntorn-sim.so}" "${@:2}"
}

# The libraries that the command was built with, or its substitutes for them.
nvme=$(pkg-config --exists 'libnvme >= 1' 'libnvme < 2' && echo libnvme || echo ioctl)
scsi=$([ -e /usr/include/scsi/sg_pt.h ] && echo libsgutils2 || echo SG_IO)

# The doctor's output for a simulated disk: OPTIONS|DEVICE AND ARGUMENTS|STATUS|FIRST LINE|A LINE
# (spaces between its words do not matter). - stands for no line.
u=/dev/sim0n1
while IFS='|' read -r options arguments status verdict line; do
	rm -rf "$work"/image* "$work/log"
	# shellcheck disable=SC2086
	sim "$options" "$untorn" doctor $arguments > "$work/text" 2> "$work/stderr"
	equal "$options: status" $? "$status"
	device=${arguments##* }
	equal "$options: verdict" "$(head -n 1 "$work/text")" "$device: $verdict"
	[ "$line" = - ] || tr -s ' ' < "$work/text" | grep -qF -- "$line" ||
		fail "$options: no '$line' in: $(cat "$work/text")"
	[ ! -s "$work/stderr" ] || fail "$options: $(cat "$work/stderr")"
	[ ! -s "$work/log" ] || fail "$options: the disk was written: $(cat "$work/log")"
	# shellcheck disable=SC2086
	sim "$options" "$untorn" doctor --json $arguments > "$work/json"
	equal "$options: status with --json" $? "$status"
	json "$options: verdict" "o['device'] + ': ' + o['conclusion']" "$device: $verdict"
	json "$options: answer" "('yes', 'no', 'unknown').index(o['qualifies'])" "$status"
	json "$options: facts" "sum(map(len, o['evidence'].values())) + len(o['advice'])" \
		"$(grep -c '^  ' "$work/text")"
	case $options in # advice for the other kind of disk
	*kind=scsi*) ! grep -iE 'nvme|awupf|untorn publish' "$work/text" || fail "$options: that is NVMe's" ;;
	esac
done << EOF2
nawun=31,nawupf=31|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| deep mode 
kind=scsi,max_atomic=32,atomic_gran=1|$u|0|atomic writes of 512 to 16384 bytes, each by one SCSI WRITE ATOMIC (16)| unit taken from the maximum atomic transfer length
kind=scsi,max_atomic_bndry=64,max_bndry=32|$u|0|atomic writes of 512 to 16384 bytes, each by one SCSI WRITE ATOMIC (16)| unit taken from the maximum atomic boundary size
kind=scsi,max_atomic=32|$u|0|atomic writes of 512 to 16384 bytes, each by one SCSI WRITE ATOMIC (16)| max atomic length 32 blocks, 16384 bytes
kind=scsi,max_atomic=32,no_vpd|$u|0|atomic writes of 512 to 16384 bytes, each by one SCSI WRITE ATOMIC (16)| write command SG_IO
kind=scsi,max_atomic=32|$u|0|atomic writes of 512 to 16384 bytes, each by one SCSI WRITE ATOMIC (16)| asked through $scsi
nawupf=31|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| asked through $nvme
kind=scsi,max_atomic=32,unprivileged,sg=sg3|$u|0|atomic writes of 512 to 16384 bytes, each by one SCSI WRITE ATOMIC (16)| write command write() and read() of the generic node
kind=scsi,max_atomic=32,unprivileged|$u|1|no atomic writes: the device can do 512 to 16384 bytes, but this user may not send a write command|which does not exist: as root: modprobe sg
kind=scsi,max_atomic=32,unprivileged,sg=sg3,sg_closed|$u|1|no atomic writes: the device can do 512 to 16384 bytes, but this user may not send a write command|needs CAP_SYS_RAWIO, or the right to read and write /dev/sg3
kind=scsi|$u|1|no atomic writes: the device promises none (VPD page B0h)| max atomic length 0
kind=scsi,max_atomic=32,vpd_length=48|$u|1|no atomic writes: the device promises none (VPD page B0h)| VPD page B0h missing, or too short
kind=scsi,max_atomic=32,pi=2|$u|1|no atomic writes: it is formatted with type 2 protection information| protection type 2
kind=scsi,max_atomic=32,pi=2|$u|1|no atomic writes: it is formatted with type 2 protection information| sg_format --format --fmtpinfo=0 $u
kind=scsi,max_atomic=96,atomic_align=3|$u|1|no atomic writes: its atomic unit is not a multiple of its atomic alignment or granularity| atomic alignment 3 blocks, 1536 bytes
nawupf=31|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| NAWUPF 31: 32 blocks, 16384 bytes
nawupf=31|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| unit taken from NAWUPF
nawupf=3,lba=4096|$u|0|atomic writes of 4096 to 16384 bytes, each by one NVMe Write| logical block 4096 bytes
nawupf=31,nabspf=31|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| NABSPF 31: 32 blocks, 16384 bytes
amazon=31:7:255|$u|0|atomic writes of 4096 to 16384 bytes, each by one NVMe Write| NTWPG (Amazon) 7: 8 blocks, 4096 bytes
awupf=31|$u|0|atomic writes of 512 bytes, each by one NVMe Write|would make it 16384 bytes
awupf=31|--nvme-limits=controller $u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| unit taken from AWUPF of the controller
awupf=0|$u|0|atomic writes of 512 bytes, each by one NVMe Write| NSFEAT bit 1 not set
awupf=0|$u|0|atomic writes of 512 bytes, each by one NVMe Write| larger unit none: the disk promises one logical block, and lists no suitable format with larger blocks
awun=255,mdts=9|$u|0|atomic writes of 512 bytes, each by one NVMe Write| formats listed 0: 512 (in use)
awupf=0,formats=512:512+8:4096+8:4096|$u|0|atomic writes of 512 bytes, each by one NVMe Write|of 4096 bytes: one block is then the unit; this erases the namespace: nvme format /dev/sim0n1 --lbaf=3
awupf=0,formats=512:4096,part=2048+4096|${u}p1|0|atomic writes of 512 bytes, each by one NVMe Write| nvme format /dev/sim0n1 --lbaf=1
awupf=0,formats=512:512+8:4096|$u|0|atomic writes of 512 bytes, each by one NVMe Write| formats listed 0: 512 (in use), 1: 512+8, 2: 4096
awupf=0,formats=512:4096,no_format|$u|0|atomic writes of 512 bytes, each by one NVMe Write| and has no command to change its format
awupf=0,formats=512:4096+8|$u|0|atomic writes of 512 bytes, each by one NVMe Write| lists no suitable format with larger blocks
awupf=0,formats=512:65536|$u|0|atomic writes of 512 bytes, each by one NVMe Write| lists no suitable format with larger blocks
nawupf=1023|$u|0|atomic writes of 512 to 262144 bytes, each by one NVMe Write| segments 127: this cuts the unit
nawupf=63,max_hw_sectors_kb=16|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| largest command 16384 bytes: this cuts the unit
nawupf=31,mdts=5|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| MDTS 5: 131072 bytes
nawupf=31,nosubmit|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| write command NVME_IOCTL_IO_CMD
nawupf=31,ms=8,pi=1|$u|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| 8 of metadata, protection type 1
nawupf=31,part=2048+4096|${u}p1|0|atomic writes of 512 to 16384 bytes, each by one NVMe Write| start byte 1048576
nawupf=31,nabspf=63,part=2080+4096|${u}p1|1|no atomic writes: the partition does not start on a multiple of the atomic unit or boundary|re-create the partition so that it starts at a multiple of 32768 bytes
nawupf=31,nabo=8|$u|1|no atomic writes: its atomic boundaries start at an offset (NABO)| NABO 8: the boundaries are shifted
nawupf=31,nabspf=47|$u|1|no atomic writes: its atomic boundary is not a power of two that holds the unit| NABSPF 47
nawupf=31,ms=8,pi=2|$u|1|no atomic writes: it is formatted with type 2 protection information|reformat it with protection information of type 1; this erases the namespace: nvme format /dev/sim0n1 --lbaf=0 --pi=1 --ms=0
nawupf=31,ms=8,pi=2,formats=512+8:4096:512|$u|1|no atomic writes: it is formatted with type 2 protection information|reformat it without metadata; this erases the namespace: nvme format /dev/sim0n1 --lbaf=2
nawupf=31,ms=16,formats=512+16:4096|$u|1|no atomic writes: its format carries metadata that a plain write cannot supply|nvme format /dev/sim0n1 --lbaf=1
nawupf=31,ms=16,formats=512+16:4096,no_format|$u|1|no atomic writes: its format carries metadata that a plain write cannot supply| another format none of those that the disk lists helps
nawupf=31,readonly|$u|1|no atomic writes: it is read-only| read-only yes
nawupf=31,readonly|$u|1|no atomic writes: it is read-only| blockdev --setrw $u
nawupf=31,readonly,unprivileged|$u|1|no atomic writes: it is read-only| read-only yes
nawupf=31,readonly,part=2048+4096|${u}p1|1|no atomic writes: it is read-only| read-only yes
kind=scsi,max_atomic=32,readonly|$u|1|no atomic writes: it is read-only| read-only yes
kind=none,readonly|$u|1|no atomic writes: not an NVMe namespace, SCSI disk, or a partition of one| read-only yes
nawupf=31,closed|$u|2|cannot tell: this user may not open the device|cannot be opened: Permission denied
kind=scsi,max_atomic=32,closed|$u|2|cannot tell: this user may not open the device|cannot be opened: Permission denied
nawupf=31,no_answer|$u|2|cannot tell: the device does not answer: Input/output error| identify Input/output error
nawupf=31,ms=16|$u|1|no atomic writes: its format carries metadata that a plain write cannot supply| 16 of metadata
nawupf=31,zoned=host-managed|$u|1|no atomic writes: it is a zoned device|-
nawupf=31,chunk_sectors=16|$u|1|no atomic writes: its optimal I/O boundary (NOIOB) cuts the atomic unit| chunk 8192 bytes: this cuts the unit
kind=none|$u|1|no atomic writes: not an NVMe namespace, SCSI disk, or a partition of one| kind neither NVMe nor SCSI
nawupf=31,unprivileged|$u|2|cannot tell: this user may not ask the device for its identify data|untorn publish $u
EOF2

# Settings change the answer; a shim in the doctor's own process must not change it.
verdict() { "$@" 2>&1 | head -n 1; }
good="$u: atomic writes of 512 to 16384 bytes, each by one NVMe Write"
doctor() { sim "$1" "$untorn" doctor $u; }
equal "by environment" "$(UNTORN_NVME_LIMITS=controller verdict doctor awupf=31)" "$good"
equal "by command" "$(UNTORN_MODE="command" verdict doctor nawupf=31)" "$good"
equal "switched off" "$(UNTORN_MODE=off verdict doctor nawupf=31)" \
	"$u: no atomic writes: UNTORN_MODE is off"
equal "under the shim" \
	"$(verdict "$untorn" run --sim="$u=$work/image,nawupf=31" -- "$untorn" doctor $u)" "$good"
sim nawupf=31,nabspf=63 "$untorn" doctor --json $u > "$work/json"
json "numbers" "o['unit_min'], o['unit_max'], o['boundary'], o['lane']" \
	"(512, 16384, 32768, 'command')"
json "advice" "o['advice']" "[]"
# For these disks no advice helps: the doctor must give none.
while read -r options; do
	rm -rf "$work"/image*
	sim "$options" "$untorn" doctor --json $u > "$work/json"
	json "$options: no advice" "o['advice']" "[]"
done << 'END'
awun=255,mdts=9
lba=4096,nsfeat=0x1a,nawun=63,nabsn=63
awupf=0,formats=512:4096+8
awupf=0,formats=512:4096,no_format
nawupf=7,formats=512:4096
nawupf=31,no_answer
kind=scsi,max_atomic=32,readonly
END
rm -rf "$work"/image*
sim awupf=31 "$untorn" doctor --json $u > "$work/json"
json "advice on AWUPF alone" "len(o['advice']), 'AWUPF' in o['advice'][0]" "(1, True)"

# Paths that are not block devices or do not exist; mistakes.
refused() { # WHAT TEXT COMMAND...
	local said status=0
	said=$("${@:3}" 2>&1 > "$work/stdout") || status=$?
	equal "$1: status" $status 2
	[ ! -s "$work/stdout" ] || fail "$1: printed $(cat "$work/stdout")"
	case $said in *"$2"*) ;; *) fail "$1: no '$2' in: $said" ;; esac
}
: > "$work/file"
refused "null" "/dev/null is a character device; name the disk, such as /dev/nvme0n1" "$untorn" doctor /dev/null
refused "report of a file" "--report needs a disk" "$untorn" doctor --report "$work/file"
mkfifo "$work/fifo"
refused "fifo" "neither a file, a folder nor a block device" "$untorn" doctor "$work/fifo"
refused "page" "a power of two" "$untorn" doctor --page=12k "$work"
refused "page of what?" "one path" "$untorn" doctor --page=16k
refused "sample" "not a number of pages" "$untorn" doctor --sample=0 "$work/file"
refused "missing" "No such file" "$untorn" doctor "$work/none"
refused "report of what?" "--report needs a device" "$untorn" doctor --report
refused "report as JSON" "cannot go with --json" "$untorn" doctor --report --json /dev/null
refused "two" "name one device or path" "$untorn" doctor /dev/null /dev/null
refused "option" "untorn doctor --help" "$untorn" doctor --bogus /dev/null
refused "policy" "unknown value x" "$untorn" doctor --nvme-limits=x /dev/null
# shellcheck disable=SC2069 # only the message
full() { sim nawupf=31 "$untorn" doctor $u 2>&1 > /dev/full; }
equal "full disk" "$(full)" "untorn: cannot write the answer: No space left on device"

# For this machine's block devices that are not NVMe and have no native atomic writes, the answer must be a definite no,
# whether they may be opened or not. As root also for a loop device on a file.
for path in /sys/class/block/*; do
	node=/dev/${path##*/}
	[ -b "$node" ] && [ "${path##*/nvme}" = "$path" ] || continue
	"$untorn" doctor "$node" > "$work/text"
	status=$?
	grep -q '^  natively .*none\|^  natively .*no atomic' "$work/text" || continue
	equal "$node: status" $status 1
	equal "$node" "$(head -n 1 "$work/text")" \
		"$node: no atomic writes: not an NVMe namespace, SCSI disk, or a partition of one"
done
truncate -s 4M "$work/backing"
if [ "$(id -u)" = 0 ] && loop=$(losetup --find --show "$work/backing" 2> /dev/null); then
	before=$(sha256sum < "$work/backing")
	"$untorn" doctor "$loop" > "$work/text"
	equal "loop: status" $? 1
	grep -q "loop device over the file $work/backing" "$work/text" ||
		fail "loop: $(cat "$work/text")"
	losetup -d "$loop"
	equal "loop: not written" "$(sha256sum < "$work/backing")" "$before"
else
	left_out="$left_out loop devices;"
fi

# Root's published records, in a /run of our own.
publish() {
	mount -t tmpfs none /run
	ask() { sim "nawupf=31,unprivileged" "$untorn" doctor $u | tr -s ' ' > "$work/text"; }
	said() { grep -qF -- "$1" "$work/text" || fail "no '$1' in: $(cat "$work/text")"; }
	equal "publish" "$(sim nawupf=31 "$untorn" publish $u 2>&1)" \
		"published $u: its atomic unit is 16384 bytes"
	ask
	equal "published: verdict" "$(head -n 1 "$work/text")" "$good"
	said "asked through the record that root published"
	said "identify Permission denied"
	said "published yes, and up to date"
	chmod 666 /run/untorn/*
	ask
	equal "published by all" "$(head -n 1 "$work/text")" \
		"$u: cannot tell: this user may not ask the device for its identify data"
	said "published yes, but users other than root may write it, so it is not believed"
	sim lba=4096,nawupf=3 "$untorn" publish $u > /dev/null
	ask
	said "published yes, but the record is of another disk or format"
	rm -rf /run/untorn
	: > /run/untorn
	said=$(sim nawupf=31 "$untorn" publish $u 2>&1)
	equal "publish nowhere: status" $? 1
	case $said in *"cannot write to /run/untorn"*) ;; *) fail "publish nowhere: $said" ;; esac
	rm /run/untorn
	sim nawupf=31 "$untorn" publish "$work/none" $u /dev/null > "$work/stdout" 2> "$work/stderr"
	equal "publish some" "$? $(wc -l < "$work/stdout") $(wc -l < "$work/stderr")" "1 1 2"
	[ "$bad" = 0 ] || exit 1
}
if [ "$(id -u)" = 0 ] && unshare --mount true 2> /dev/null; then
	export -f publish fail equal sim
	export untorn u good work BUILD bad checks
	unshare --mount --propagation private bash -c publish || bad=1
else
	left_out="$left_out publishing (not root);"
fi
if [ "$(id -u)" = 0 ]; then
	said=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$untorn" publish 2>&1)
	equal "publish, not root: status" $? 1
	case $said in *root*) ;; *) fail "publish, not root: $said" ;; esac
fi
refused "publish: option" "untorn publish --help" "$untorn" publish --bogus

[ -z "$left_out" ] || echo "left out:$left_out"
[ "$bad" = 0 ] && echo "$checks checks"
exit $bad
