#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, in the tree of client programs: no device here may get an atomic write. d0 and d1 are good disks,
# under layers that this script builds; the other disks are refused themselves. At the end one write to d1
# succeeds: so the shim does not refuse everything.
set -eu
. tests/vm/guest_lib.sh
. tests/vm/guest_scsi.sh
good=$(disk d0) other=$(disk d1)

mapped() { # NAME TABLE: a device-mapper device; prints its node
	dmsetup create --noudevsync "$1" --table "$2"
	echo "/dev/dm-$(dmsetup info -c --noheadings -o minor "$1")"
}
load dm-mod
load dm-crypt
load loop
load raid1
# A map of one target passes driver commands on to the disk, but does not map their addresses.
linear=$(mapped linear "0 16384 linear $good 8")
crypt=$(mapped crypt "0 8192 crypt cipher_null-ecb - 0 $good 16384")
loop=$(losetup --show -f "$good")
echo md_untorn > /sys/module/md_mod/parameters/new_array
await test -b /dev/md_untorn
md() { # "start" or "stop": a mirror of one disk, as mdadm --build makes it (linux/raid/md_u.h)
	python3 - "$1" "$other" <<-'END'
		import fcntl, os, struct, sys
		fd = os.open("/dev/md_untorn", os.O_RDONLY)
		disk = os.stat(sys.argv[2]).st_rdev
		if sys.argv[1] == "stop":
		    fcntl.ioctl(fd, 0x932)  # STOP_ARRAY
		else:
		    info = 0, 90, 0, 0, 1, 8192, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0
		    fcntl.ioctl(fd, 0x40480923, struct.pack("18i", *info))  # SET_ARRAY_INFO
		    where = 0, os.major(disk), os.minor(disk), 0, 6
		    fcntl.ioctl(fd, 0x40140921, struct.pack("5i", *where))  # ADD_NEW_DISK
		    fcntl.ioctl(fd, 0x400c0930, bytes(12))  # RUN_ARRAY
	END
}
md start

check() { # LABEL NODE
	local statx lengths
	statx=$(build/untorn run -- build/tests/vm/statx_print "$1=$2")
	! grep -E 'mask=1|attribute=1|max=[^0]' <<< "$statx" || { echo "statx promises"; exit 1; }
	lengths=$(build/untorn run -- build/tests/vm/lengths "$1=$2")
	[ "$(tr ' ' '\n' <<< "$lengths" | grep -c EOPNOTSUPP)" = 26 ] || { echo "$lengths"; exit 1; }
}
check linear "$linear"
check crypt "$crypt"
check loop "$loop"
check raid1 /dev/md_untorn
check zoned "$(disk d2)"
check metadata-64 "$(disk d3)"
check metadata-8 "$(disk d4)"
check type-2 "$(disk d5)"
check boundary-offset "$(disk d6)"
check boundary-not-pow2 "$(disk d7)"
scsi_debug_start dev_size_mb=16 delay=0 dif=2
check scsi "$DISK"

md stop
build/untorn run -- python3 -c "
import os
print(os.pwritev(os.open('$other', os.O_RDWR | os.O_DIRECT), [bytes(16384)], 0, 0x40))"
