# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# In a guest, after guest_scsi.sh: an NVMe disk of the kernel's own target over TCP, whose namespace
# can be taken away, exchanged and resized. What stands behind it are the disks of scsi_debug and a
# loop device; NAWUPF is the physical block of what stands behind.

nvmet=/sys/kernel/config/nvmet

nvmet_start() {
	load nvmet-tcp
	load nvme-tcp
	[ -d $nvmet ] || mount -t configfs configfs /sys/kernel/config
	mkdir $nvmet/subsystems/untorn $nvmet/ports/1 $nvmet/subsystems/untorn/namespaces/1
	echo 1 > $nvmet/subsystems/untorn/attr_allow_any_host
	echo tcp > $nvmet/ports/1/addr_trtype
	echo ipv4 > $nvmet/ports/1/addr_adrfam
	echo 127.0.0.1 > $nvmet/ports/1/addr_traddr
	echo 4420 > $nvmet/ports/1/addr_trsvcid
	ln -s $nvmet/subsystems/untorn $nvmet/ports/1/subsystems/untorn
	echo transport=tcp,traddr=127.0.0.1,trsvcid=4420,nqn=untorn > /dev/nvme-fabrics
}
