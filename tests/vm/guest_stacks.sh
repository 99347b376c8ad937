#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: builds one stack after the other, lets `untorn doctor --page=16k` judge each, and then writes pages to
# it as a database does (pages.c). $OUT/judged gets a line NUMBER|NAME|WANTED|VERDICT|CONCLUSION for each. The
# commands of a stack lie between two marks in QEMU's trace: writes of 3584 bytes to the disk d3, at NUMBER * 7
# blocks. WANTED is yes, no (the trace must show it), or unproven (no, but the trace need not show it).
set -eu
. tests/vm/guest_lib.sh
. tests/vm/guest_scsi.sh
one=$(disk d0) two=$(disk d1) bounded=$(disk d2) marks=$(disk d3)
for module in dm-mod ext4 xfs loop raid0 raid1 md-mod dm-crypt dm-thin-pool dm-snapshot dm-mirror dm-multipath dm-round-robin overlay xts aes_generic; do
	load $module 2> /dev/null || true
done
mounted=/tmp/mounted
mkdir -p $mounted
number=0
mark() { dd if=/dev/zero of="$marks" bs=3584 count=1 seek=$number oflag=direct conv=notrunc 2> /dev/null; number=$((number + 1)); }
queue() { echo "/sys/block/$(basename "$1")/queue"; }
set_to() { grep -qxF "$1" "$2" || echo "$1" > "$2"; } # never writes 2 over 2
prepare() { for disk in "$one" "$two" "$bounded"; do set_to 2 "$(queue "$disk")/nomerges"; done; }

judge() { # NAME PATH WANTED [REASON]
	local verdict=0
	build/untorn doctor --page=16k "$2" > /tmp/said 2> /tmp/problem || verdict=$?
	[ ! -s /tmp/problem ] || { cat /tmp/problem; exit 1; }
	case ${4:-} in ?*) grep -qF -- "$4" /tmp/said || { cat /tmp/said; echo "$1: no '$4'"; exit 1; } ;; esac
	echo "$number|$1|$3|$verdict|$(head -n 1 /tmp/said)" >> "$OUT/judged"
	[ "$verdict" != 1 ] || grep -q '^  - ' /tmp/said || grep -q ' NO: ' /tmp/said || { cat /tmp/said; exit 1; }
}
stack() { # NAME PATH BYTES WANTED [REASON]
	judge "$1" "$2" "$4" "${5:-}"
	sync -f "$2" 2> /dev/null || sync
	mark
	build/tests/vm/pages "$2" "$3" || { echo "$1: could not be written"; return 1; }
	mark
}
only() { judge "$@"; number=$((number + 2)); } # NAME PATH WANTED [REASON]: nothing is written
MIB=$((1 << 20))

# Disks and partitions.
set_to 0 "$(queue "$one")/nomerges"
stack "disk, nomerges 0" "$one" $((64 * MIB)) no "neighbouring writes are merged"
set_to 1 "$(queue "$one")/nomerges"
stack "disk, nomerges 1" "$one" $((64 * MIB)) no "queue/nomerges is 1"
prepare
stack "disk, nomerges 2" "$one" $((64 * MIB)) yes
most=$(cat "$(queue "$one")/max_sectors_kb")
echo 8 > "$(queue "$one")/max_sectors_kb"
stack "disk, max_sectors_kb 8" "$one" $((64 * MIB)) no "requests of up to 8 KiB"
echo "$most" > "$(queue "$one")/max_sectors_kb"
build/tests/vm/addpart "$one" 1 2048 131072
build/tests/vm/addpart "$one" 2 139265 65536
build/tests/vm/addpart "$one" 3 204808 65536
stack "partition" "${one}p1" $((64 * MIB)) yes
stack "partition, 512 bytes off" "${one}p2" $((32 * MIB)) yes
stack "partition, 4096 bytes off" "${one}p3" $((32 * MIB)) yes
build/tests/vm/addpart "$bounded" 1 2048 65536
build/tests/vm/addpart "$bounded" 2 69632 65536
build/tests/vm/addpart "$bounded" 3 139272 65536
stack "boundary, partition" "${bounded}p1" $((32 * MIB)) yes
stack "boundary, partition 4096 bytes off" "${bounded}p3" $((32 * MIB)) unproven "atomic boundary"

# Device mapper, as LVM uses it.
sectors=65536
map() { dmsetup create "$1"; dmsetup mknodes "$1" 2> /dev/null || true; }
linear() { echo "$1 $2 linear $3 $4"; }
linear 0 $sectors "$one" 2048 | map aligned
stack "linear" /dev/mapper/aligned $((32 * MIB)) yes
dmsetup remove aligned
linear 0 $sectors "$one" 2049 | map odd
stack "linear, 512 bytes off" /dev/mapper/odd $((32 * MIB)) yes
dmsetup remove odd
{ linear 0 32768 "$one" 2048; linear 32768 32768 "$two" 4096; } | map two_parts
stack "linear, two parts" /dev/mapper/two_parts $((32 * MIB)) yes
dmsetup remove two_parts
# Parts of 20 KiB, so that some pages lie across two parts.
{
	at=0
	while [ $at -lt 65520 ]; do linear $at 40 "$one" $((4096 + at * 2)); at=$((at + 40)); done
} | head -n 400 | map odd_parts
stack "linear, parts of 20 KiB" /dev/mapper/odd_parts $((400 * 40 * 512)) no "a page may cross two parts"
dmsetup remove odd_parts
echo "0 $sectors striped 2 128 $one 2048 $two 2048" | map stripes
stack "stripes of 64 KiB" /dev/mapper/stripes $((32 * MIB)) yes
dmsetup remove stripes
echo "0 $sectors striped 2 16 $one 2048 $two 2048" | map narrow
stack "stripes of 8 KiB" /dev/mapper/narrow $((32 * MIB)) no "stripes"
dmsetup remove narrow
echo "0 $sectors crypt aes-xts-plain64 $(printf '%064d' 7) 0 $one 2048" | map secret
stack "crypt" /dev/mapper/secret $((32 * MIB)) unproven "dm-crypt"
dmsetup remove secret
echo "0 $sectors snapshot-origin $one" | map origin
stack "snapshot-origin" /dev/mapper/origin $((32 * MIB)) unproven "it has a snapshot"
dmsetup remove origin
dd if=/dev/zero of="$two" bs=1M count=4 oflag=direct 2> /dev/null
{ linear 0 8192 "$two" 0; } | map meta
{ linear 0 131072 "$one" 2048; } | map pool_data
echo "0 131072 thin-pool /dev/mapper/meta /dev/mapper/pool_data 128 0" | map pool
dmsetup message pool 0 "create_thin 0"
echo "0 $sectors thin /dev/mapper/pool 0" | map thin
stack "thin" /dev/mapper/thin $((32 * MIB)) unproven "a thin volume moves blocks"
dmsetup remove thin; dmsetup remove pool; dmsetup remove meta; dmsetup remove pool_data
echo "0 $sectors mirror core 1 1024 2 $one 2048 $two 2048" | map mirror
only "mirror" /dev/mapper/mirror unproven "a mirror writes twice"
dmsetup remove mirror
echo "0 $sectors multipath 0 0 1 1 round-robin 0 1 1 $one 1000" | map paths
only "dm-multipath" /dev/mapper/paths unproven "each path has its own queue"
dmsetup remove paths
dmsetup create no_table --notable; dmsetup mknodes no_table 2> /dev/null || true
verdict=0; build/untorn doctor --page=16k /dev/mapper/no_table > /tmp/said 2>&1 || verdict=$?
[ $verdict = 2 ] || { cat /tmp/said; echo "a volume without a table: $verdict"; exit 1; }
dmsetup remove no_table
# A volume in use gets a snapshot: its target changes from linear to snapshot-origin.
linear 0 $sectors "$one" 2048 | map volume
stack "linear, before its snapshot" /dev/mapper/volume $((32 * MIB)) yes
dmsetup suspend volume
linear 0 $sectors "$one" 2048 | map volume_real
dd if=/dev/zero of="$two" bs=1M count=2 oflag=direct 2> /dev/null
echo "0 $sectors snapshot /dev/mapper/volume_real $two P 16" | map snapshot
echo "0 $sectors snapshot-origin /dev/mapper/volume_real" | dmsetup load volume
dmsetup resume volume
stack "linear, snapshot taken meanwhile" /dev/mapper/volume $((32 * MIB)) unproven "it has a snapshot"
dmsetup remove snapshot; dmsetup remove volume; dmsetup remove volume_real

# md.
array() { # LEVEL CHUNK-KIB
	yes | mdadm --create /dev/md0 --level="$1" --raid-devices=2 ${2:+--chunk="$2"} --metadata=1.2 --run --assume-clean \
		"$one" "$two" > /dev/null 2>&1
	udevadm settle 2> /dev/null || true
}
dissolve() { mdadm --stop /dev/md0 > /dev/null 2>&1; mdadm --zero-superblock "$one" "$two"; }
array 0 64
stack "md raid0, chunks of 64 KiB" /dev/md0 $((64 * MIB)) yes
dissolve
array 0 4
stack "md raid0, chunks of 4 KiB" /dev/md0 $((64 * MIB)) no "stripes"
dissolve
array 1
stack "md raid1" /dev/md0 $((64 * MIB)) unproven "bad block"
dissolve

scsi_debug_start dev_size_mb=64 delay=0
only "SCSI disk" "$DISK" unproven "a plain write is not one"
scsi_debug_stop

# Files.
file() { # MIB: writes all of it, through to the disk
	dd if=/dev/zero of=$mounted/file bs=1M count="$1" conv=fsync 2> /dev/null
	sync -f $mounted
}
on() { # COMMAND THAT MAKES THE FILESYSTEM -- MOUNT OPTIONS
	local make=()
	while [ "$1" != -- ]; do make+=("$1"); shift; done
	"${make[@]}" > /tmp/mkfs 2>&1 || { cat /tmp/mkfs; return 1; }
	mount -o noatime${2:+,$2} "$one" $mounted
}
off() { umount $mounted; }
on mkfs.ext4 -q -F -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 "$one" --
file 32
only "ext4, a folder" $mounted unproven "in units of 4 KiB"
stack "ext4, a file written whole" $mounted/file $((32 * MIB)) yes
fallocate -l 32M $mounted/unwritten; sync -f $mounted
stack "ext4, unwritten" $mounted/unwritten $((32 * MIB)) unproven "allocated and never written"
truncate -s 32M $mounted/hole
only "ext4, a hole" $mounted/hole unproven "not allocated"
# Two files that grow in turn by a block: each lies in pieces of 4096 bytes.
dd if=/dev/zero of=$mounted/a bs=4096 count=1 conv=fsync 2> /dev/null
python3 - $mounted << 'END'
import os, sys
a, b = (os.open(f"{sys.argv[1]}/{n}", os.O_RDWR | os.O_CREAT | os.O_DSYNC) for n in "ab")
for i in range(1100):
    for fd in a, b: os.pwrite(fd, bytes(4096), i * 4096)
END
stack "ext4, a fragmented file" $mounted/a $((1100 * 4096)) no "in two pieces"
rm $mounted/file $mounted/unwritten
dd if=/dev/zero of=$mounted/inside bs=1M count=32 conv=fsync 2> /dev/null
loop=$(losetup --show -f $mounted/inside)
stack "loop" "$loop" $((32 * MIB)) unproven "a loop device"
losetup -d "$loop"
off
on mkfs.ext4 -q -F -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 "$one" -- data=journal
file 32
stack "ext4, data=journal" $mounted/file $((32 * MIB)) unproven "data=journal"
off
on mkfs.ext4 -q -F -b 4096 -O bigalloc -C 16384 -E lazy_itable_init=0,lazy_journal_init=0 "$one" --
file 32
only "ext4 bigalloc, a folder" $mounted yes
stack "ext4 bigalloc, a file" $mounted/file $((32 * MIB)) yes
build/untorn doctor --page=16k --sample=4 $mounted/file > /tmp/said
grep -q ': yes, for the 4 of 2048 pages that were checked$' /tmp/said || { cat /tmp/said; exit 1; }
set_to 0 "$(queue "$one")/nomerges"
stack "ext4 bigalloc, nomerges 0" $mounted/file $((32 * MIB)) no "neighbouring writes are merged"
prepare
off
on mkfs.xfs -q -f -b size=4096 "$one" --
file 32
only "xfs, a folder" $mounted unproven "in units of 4 KiB"
stack "xfs, a file written whole" $mounted/file $((32 * MIB)) yes
cp --reflink=always $mounted/file $mounted/copy; sync -f $mounted
stack "xfs, a shared file" $mounted/copy $((32 * MIB)) unproven "shared with another file"
off
mkfs.xfs -q -f -b size=4096 -r rtdev="$two" "$one" && mount -o noatime,rtdev="$two" "$one" $mounted
xfs_io -f -c "chattr +r" -c "pwrite -q -b 1m 0 32m" -c fsync $mounted/realtime
only "xfs, a realtime file" $mounted/realtime unproven "realtime section"
xfs_io -c "chattr +t" $mounted
only "xfs, a folder for realtime files" $mounted unproven "realtime section"
off
if on mkfs.xfs -q -f -b size=16384 "$one" -- 2> /dev/null; then
	file 32
	only "xfs of 16 KiB, a folder" $mounted yes
	stack "xfs of 16 KiB, a file" $mounted/file $((32 * MIB)) yes
	off
else
	[ "$(uname -r | cut -d. -f1)" -lt 7 ]
fi
mkdir -p /tmp/below /tmp/upper/{above,work}
mount -t tmpfs none /tmp/upper && mkdir /tmp/upper/{above,work}
mount -t overlay -o lowerdir=/tmp/below,upperdir=/tmp/upper/above,workdir=/tmp/upper/work none $mounted
only "overlay" $mounted unproven "an overlay copies a file up"
off
only "tmpfs" /tmp/upper unproven "it is memory"
only "9p" "$OUT" unproven "a server writes it"
# A filesystem on a volume: doctor must judge both layers.
linear 0 131072 "$one" 2048 | map volume
mkfs.ext4 -q -F -b 4096 -O bigalloc -C 16384 -E lazy_itable_init=0,lazy_journal_init=0 /dev/mapper/volume
mount -o noatime /dev/mapper/volume $mounted
file 32
stack "ext4 bigalloc on a volume" $mounted/file $((32 * MIB)) yes

# An ordinary user, and a system without /sys: doctor cannot tell.
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
status=0; as_nobody build/untorn doctor --page=16k $mounted/file > /tmp/said 2>&1 || status=$?
[ $status = 2 ] && grep -q "cannot tell: dm-0: this user may not read its table" /tmp/said || { cat /tmp/said; echo "as nobody: $status"; exit 1; }
off; dmsetup remove volume
status=0; unshare --mount sh -c "umount -l /sys && build/untorn doctor --page=16k $one" > /tmp/said 2>&1 || status=$?
[ $status = 2 ] && grep -q 'cannot tell: ' /tmp/said || { cat /tmp/said; echo "without /sys: $status"; exit 1; }
echo "$number" > "$OUT/number"
