#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests the udev rule, the units and the maintainer scripts: boots a system with the packages on Linux 6.1 in QEMU, by
# its own systemd, with two NVMe disks. guest_boot.sh has the checks.
# tests/pack/boot.sh [DIRECTORY-OF-THE-PACKAGES [SUITE]]; by default it builds the packages and boots bookworm.
set -eu
. tests/pack/lib.sh
built=${1:-$roots/build/built} suite=${2:-bookworm} root=$roots/boot
[ $# -gt 0 ] || build_packages

installed() {
	new_root boot "$suite" systemd-sysv udev kmod python3-minimal
	mkdir "$root/debs"
	cp "$built"/*.deb "$root/debs"
	quietly "apt-get update" inside boot apt-get -qq update
	quietly "installing" inside boot sh -c 'apt-get -qq -y --no-install-recommends install /debs/untorn_*.deb'
	rm -r "$root"/var/lib/apt/lists/* # apt is quicker without
	# Without a machine ID this would be a first boot, which asks questions.
	quietly "naming the machine" inside boot systemd-machine-id-setup
	inside boot useradd --groups disk client
}

# Two services. One is like a database's: its unit lets it reach no disk, and it gets the package's drop-in.
with_services() {
	local units=$root/etc/systemd/system
	install -m 755 tests/pack/atomic_write.py "$root/usr/local/bin/atomic_write"
	install -m 755 tests/pack/guest_boot.sh "$root/usr/local/bin/"
	mkdir "$units/client.service.d"
	cat > "$units/client.service" <<- END
		[Unit]
		Requires=dev-nvme0n1.device
		After=dev-nvme0n1.device
		[Service]
		User=client
		PrivateDevices=yes
		SystemCallFilter=@system-service
		SystemCallFilter=~ioctl lseek pwrite64
		SystemCallErrorNumber=EPERM
		ExecStart=/usr/local/bin/atomic_write /dev/nvme0n1 0 8192 stay
		[Install]
		WantedBy=multi-user.target
	END
	install -m 755 tests/pack/notify_service.py "$root/usr/local/bin/notify_service"
	cat > "$units/reported.service" <<- END
		[Service]
		Type=notify
		User=client
		ExecStart=/usr/bin/untorn run --report -- /usr/local/bin/notify_service /dev/nvme0n1
		ExecReload=/bin/sh -c 'kill -HUP \$MAINPID'
	END
	sed -E 's/^#([A-Za-z]+=)/\1/' \
		"$root/usr/share/doc/untorn/examples/systemd/untorn.conf" > "$units/client.service.d/untorn.conf"
	inside boot systemctl -q enable client.service
}

# Each write must be one command, and nothing else may be written: how often, LBA, blocks.
only_commands() {
	expected='      1 0 16
      2 128 16
      3 128 32
      2 256 16'
	[ "$(commands "$roots/out/trace" | sort | uniq -c)" = "$expected" ] ||
		{ echo "FAILED other commands than expected:"; commands "$roots/out/trace"; exit 1; }
	echo "each atomic write was one command: $(commands "$roots/out/trace" | wc -l)"
}

booted() (
	. tests/vm/lib.sh
	mkdir "$roots/out"
	vm -r "$root" -T -o "$roots/out" -t 600 -m 1G -p systemd.default_device_timeout_sec=600 \
		-d '64M;;atomic.nawun=31,atomic.nawupf=31' \
		-d '64M;;atomic.nawun=15,atomic.nawupf=15' -- guest_boot.sh
	only_commands
)

installed
with_services
booted
