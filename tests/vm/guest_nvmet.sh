# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Included in a guest, after guest_scsi.sh: an NVMe disk of the kernel's own target over TCP. A test can remove,
# exchange and resize its namespace, and break its paths. The disk behind the namespace is one of scsi_debug's or a
# loop device; NAWUPF is the physical block of that disk.

nvmet=/sys/kernel/config/nvmet

nvmet_port() { # PORT
	mkdir $nvmet/ports/"$1"
	echo tcp > $nvmet/ports/"$1"/addr_trtype
	echo ipv4 > $nvmet/ports/"$1"/addr_adrfam
	echo 127.0.0.1 > $nvmet/ports/"$1"/addr_traddr
	echo 442"$1" > $nvmet/ports/"$1"/addr_trsvcid
	ln -s $nvmet/subsystems/untorn $nvmet/ports/"$1"/subsystems/untorn
}
nvmet_connect() { # PORT
	echo "transport=tcp,traddr=127.0.0.1,trsvcid=442$1,nqn=untorn,reconnect_delay=1" > /dev/nvme-fabrics
}
nvmet_start() { # [DEVICE]: the disk behind the namespace from the start
	load nvmet-tcp
	load nvme-tcp
	[ -d $nvmet ] || mount -t configfs configfs /sys/kernel/config
	mkdir $nvmet/subsystems/untorn $nvmet/subsystems/untorn/namespaces/1
	echo 1 > $nvmet/subsystems/untorn/attr_allow_any_host
	[ -z "${1-}" ] || echo "$1" > $nvmet/subsystems/untorn/namespaces/1/device_path
	[ -z "${1-}" ] || echo 1 > $nvmet/subsystems/untorn/namespaces/1/enable
	nvmet_port 1
	nvmet_connect 1
}
