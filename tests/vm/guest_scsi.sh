# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Included in a guest, by sh too: makes SCSI disks for tests, and sets DISK and SG to the nodes of the new disk.

# modprobe may be only in the tree of client programs.
load() {
	if [ -x /sbin/modprobe ]; then /sbin/modprobe "$@"; else chroot "$TOOLS" /sbin/modprobe "$@"; fi
}

await() { # CONDITION...
	local tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || { echo "in vain: $*" >&2; return 1; }
		sleep 0.05
	done
}

# The newest SCSI disk and its generic node.
find_disk() { # VENDOR
	local device
	for device in /sys/class/scsi_disk/*/device; do
		[ "$(tr -d ' ' 2> /dev/null < "$device/vendor")" = "$1" ] || continue
		DISK=/dev/$(ls "$device/block" 2> /dev/null) SG=/dev/$(ls "$device/scsi_generic" 2> /dev/null)
		[ -b "$DISK" ] && [ -c "$SG" ] && return 0
	done
	return 1
}

scsi_debug_start() { # PARAMETER=VALUE...
	load sg
	load scsi_debug "$@"
	VENDOR=Linux
	await find_disk $VENDOR
}
scsi_debug_stop() { await load -r -q scsi_debug; }

# scsi_target serves the disk, with these options; $TARGET_LOG gets its writes.
scsi_target_start() { # OPTION=VALUE...
	local core=/sys/kernel/config/target/core/user_0/disk
	local port=/sys/kernel/config/target/loopback/naa.6001405075743031/tpgt_1
	load sg
	load target_core_user
	load tcm_loop
	[ -d /sys/kernel/config/target ] || mount -t configfs configfs /sys/kernel/config
	TARGET_LOG=$(mktemp)
	mkdir -p $core
	printf 'dev_size=%d,dev_config=untorn,hw_block_size=%d' $((64 << 20)) \
		"$(echo "$*" | sed -nE 's/.*\bblock=([0-9]+).*/\1/p; t; s/.*/512/p')" > $core/control
	echo 1 > $core/enable
	await test -c /dev/uio0
	build/tests/vm/scsi_target log="$TARGET_LOG" "$@" /dev/uio0 &
	TARGET=$!
	mkdir -p $port
	echo naa.6001405075743032 > $port/nexus
	mkdir -p $port/lun/lun_0
	ln -s $core $port/lun/lun_0/disk
	VENDOR=UNTORN
	await find_disk $VENDOR
}
scsi_target_stop() {
	local core=/sys/kernel/config/target/core/user_0
	local fabric=/sys/kernel/config/target/loopback/naa.6001405075743031
	rm $fabric/tpgt_1/lun/lun_0/disk
	rmdir $fabric/tpgt_1/lun/lun_0 $fabric/tpgt_1 $fabric $core/disk $core
	wait "$TARGET" || true
}
