#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest of boot.sh, when all is up: checks the published records, that users' writes work by them, and what
# happens to them when disks come and go, and when the package is purged and installed. Disk d0 has a unit of 16384
# bytes, d1 of 8192.
set -eu
driver=/sys/bus/pci/drivers/nvme

fail() { echo "FAILED $*"; journalctl -b -q --no-pager -o short-monotonic | tail -n 40; exit 1; }
expect() { [ "$2" = "$3" ] || fail "$1: $2, not $3"; }
await() { # WHAT COMMAND...
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		! "${@:2}" > /dev/null || return 0
		sleep 0.1
	done
	fail "never: $1"
}

disk_of() { # SERIAL: the name of its disk
	local controller
	controller=$(grep -lxE "$1 *" /sys/class/nvme/*/serial) && basename "${controller%/serial}"/nvme*n1
}
address_of() { basename "$(readlink -f "/sys/block/$1/device/device")"; } # on the PCI bus
record() { echo "/run/untorn/$(cat "/sys/block/$1/dev")"; }
field() { od -An -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '; } # FILE OFFSET BYTES: see untorn-published(5)

# Whether a record of exactly this disk, with this unit, is published.
is_published() { # DISK BYTES
	local record
	record=$(record "$1")
	[ -e "$record" ] && [ "$(field "$record" 16 8)" = "$(cat "/sys/block/$1/diskseq")" ] &&
		[ $((($(field "$record" 4184 2) + 1) * 512)) = "$2" ] # NAWUPF
}
await_published() { await "$1 published with $2 bytes" is_published "$@"; }

# Prints what units have written to the journal.
journal() { journalctl --sync && journalctl -b -q -o cat "$@"; }
ran_since() { [ "$(runs "$1")" -gt "$2" ]; } # DISK RUNS
runs() { journal -u "untorn-publish@$1.service" | grep -c "^published /dev/$1:" || true; }
nothing_failed() { # WHEN
	expect "$1, failed" "$(systemctl list-units --all --plain --no-legend --state=failed '*untorn*' client.service)" ""
}
nothing_warned() { # WHEN
	nothing_failed "$1"
	expect "$1, warned" "$(journal -p warning -u 'untorn-publish@*')" ""
	expect "$1, udev warned" "$(journal -p warning -u systemd-udevd.service | grep untorn || true)" ""
}

nothing_to_do() { [ -z "$(systemctl list-jobs --no-legend)" ]; }
# Runs the command while udev is stopped, as if udev had not handled the events yet.
unseen() { # COMMAND...
	udevadm settle
	await "rest" nothing_to_do
	udevadm control --stop-exec-queue
	"$@"
	udevadm control --start-exec-queue
}

# Writes as an ordinary user; prints the length or the error.
user_writes() { # DISK LENGTH
	runuser -u client -- untorn run -- atomic_write "/dev/$1" 65536 "$2"
}

at_boot() {
	await_published "$(disk_of d0)" 16384
	await_published "$(disk_of d1)" 8192
	nothing_warned "at boot"
	journal -u 'untorn-publish@*' | grep ^published
}

of_a_service() {
	local pid
	# The service must start after its disk was published, because it writes only once.
	expect "first" "$(journal -u client.service -u untorn-publish@nvme0n1.service |
		grep -oE '^(Started client|Finished untorn-publish)' | head -n 1)" "Finished untorn-publish"
	await "a write of the service's" grep -q . <(journal -u client.service -t atomic_write)
	expect "the service's write" "$(journal -u client.service -t atomic_write)" 8192
	pid=$(systemctl show -P MainPID client.service)
	grep -q libuntorn.so "/proc/$pid/maps" || fail "no shim in the service"
	expect "the service's user" "$(stat -c %U "/proc/$pid")" client
	echo "service with the drop-in: atomic write done as $(stat -c %U "/proc/$pid")"
	systemctl stop client.service
}

said() { journal -u reported.service | grep -cE "$1" || true; }
has_said() { [ "$(said "$1")" != 0 ]; }
heard_once() { # SIGNAL
	await "$1" has_said "heard $1"
	sleep 0.5
	expect "$1" "$(said "heard $1")" 1
}
shown() { systemctl show -P "$1" reported.service; }
is_shown() { [ "$(shown "$1")" = "$2" ]; }
nothing_left() { [ -z "$(shown ControlGroup)" ] || [ -z "$(cat "/sys/fs/cgroup$(shown ControlGroup)/cgroup.procs")" ]; }

# A service of Type=notify under `untorn run --report`: systemd must see only the program, which must get each signal
# once.
of_a_reported_service() {
	local pid
	# systemctl start returns when the main process has reported that it is ready.
	systemctl start reported.service || fail "reported.service does not start"
	pid=$(shown MainPID)
	expect "the main process" "$(tr '\0' ' ' < "/proc/$pid/cmdline")" "/usr/bin/python3 /usr/local/bin/notify_service /dev/nvme0n1 "
	systemctl status --no-pager reported.service > /tmp/status
	grep -q "Main PID: $pid (notify_service)" /tmp/status || fail "status: $(cat /tmp/status)"
	systemctl reload reported.service || fail "no reload"
	heard_once SIGHUP
	systemctl kill --signal=USR1 reported.service # to each process of the service
	heard_once SIGUSR1
	expect "its process" "$(shown MainPID)" "$pid"
	systemctl stop reported.service
	heard_once SIGTERM
	await "its end" nothing_left
	expect "stopped" "$(shown ActiveState), $(shown Result)" "inactive, success"
	await "its report" has_said 'pwritev2 +1 +8192 '
	systemctl start reported.service
	systemctl kill --signal=KILL reported.service
	await "its end" is_shown Result signal
	await "the end of all its processes" nothing_left
	systemctl reset-failed reported.service
	echo "service of Type=notify under untorn run --report: one process, each signal once, reported"
}

refused_when_not_published() { # DISK
	rm "$(record "$1")"
	expect "not published" "$(user_writes "$1" 16384)" "Operation not supported"
}

of_a_user() {
	local disk
	disk=$(disk_of d0)
	expect "without untorn" "$(runuser -u client -- atomic_write "/dev/$disk" 65536 16384)" "Operation not supported"
	expect "published" "$(user_writes "$disk" 16384)" 16384
	unseen refused_when_not_published "$disk"
	echo "user: atomic write refused by the kernel, done when published, refused when not"
}

# For udev, each close of a disk opened for writing is a change: several changes must not be too many for the unit.
changes() {
	local disk before round
	disk=$(disk_of d0)
	before=$(runs "$disk")
	for round in 1 2 3 4; do
		: <> "/dev/$disk"
		udevadm settle
	done
	await_published "$disk" 16384
	await "a second run" ran_since "$disk" $((before + 1))
	nothing_warned "after $round changes"
	expect "after changes" "$(user_writes "$disk" 16384)" 16384
	echo "changes: $(($(runs "$disk") - before)) runs of the unit for $round of them"
}

unplugged() {
	local disk old
	disk=$(disk_of d1)
	old=$(cat "/sys/block/$disk/diskseq")
	echo 1 > "$driver/$(address_of "$disk")/remove"
	await "the end of $disk" [ ! -e "/dev/$disk" ]
	udevadm settle
	nothing_warned "unplugged"
	echo 1 > /sys/bus/pci/rescan
	await "d1 again" disk_of d1
	disk=$(disk_of d1)
	[ "$(cat "/sys/block/$disk/diskseq")" != "$old" ] || fail "$disk is the old one"
	await_published "$disk" 8192
	expect "plugged in again" "$(user_writes "$disk" 8192)" 8192
	nothing_warned "plugged in again"
	echo "unplugged and plugged in again: published anew"
}

# Removes both disks. The second comes back under the name of the first, and gets the first one's record.
refused_on_the_record_of() { # FIRST DISK
	local address
	address=$(address_of "$(disk_of d1)")
	cp -p "$(record "$2")" /tmp/stale
	echo "$1" > $driver/unbind
	echo "$address" > $driver/unbind
	echo "$address" > $driver/bind
	await "d1 again" disk_of d1
	expect "the other's name" "$(disk_of d1)" "$2"
	cp -p /tmp/stale "$(record "$2")" # under its present number
	chown root:disk "/dev/$2" # as udev would have it
	chmod 660 "/dev/$2"
	expect "on another's record" "$(user_writes "$2" 16384)" "Operation not supported"
	expect "on another's record" "$(user_writes "$2" 8192)" "Operation not supported"
}

another_in_its_place() {
	local disk first
	disk=$(disk_of d0) first=$(address_of "$(disk_of d0)")
	unseen refused_on_the_record_of "$first" "$disk"
	await_published "$disk" 8192
	expect "more than it can do" "$(user_writes "$disk" 16384)" "Invalid argument"
	expect "as much as it can do" "$(user_writes "$disk" 8192)" 8192
	echo "$first" > $driver/bind
	await "d0 again" disk_of d0
	await_published "$(disk_of d0)" 16384
	expect "under another name" "$(user_writes "$(disk_of d0)" 16384)" 16384
	nothing_warned "in another's place"
	echo "another disk in its place: refused on the old record, published as what it is"
}

dpkg_quietly() { DEBIAN_FRONTEND=noninteractive "$@" > /tmp/dpkg 2>&1 || fail "$*: $(cat /tmp/dpkg)"; }

# Makes a change of the disk again and again, as a disk in use does.
change() { while :; do : <> "/dev/$1"; sleep 0.3; done; }

purged() {
	local changing
	change "$(disk_of d0)" &
	changing=$!
	dpkg_quietly apt-get -y purge untorn
	sleep 1
	kill $changing
	udevadm settle
	await "rest" nothing_to_do
	[ ! -e /run/untorn ] || fail "purged: $(find /run/untorn)"
	! systemctl cat untorn-publish@nvme0n1.service > /tmp/unit 2>&1 || fail "purged: systemd has the unit"
	expect "purged, units" "$(systemctl list-units --type=service --plain --no-legend '*untorn*')" ""
	echo "purged: nothing in /run, no unit, and changes start none"
}

installed() {
	local disk before
	disk=$(disk_of d0)
	dpkg_quietly dpkg -i /debs/untorn_*.deb
	is_published "$disk" 16384 || fail "installed: not published"
	before=$(runs "$disk")
	: <> "/dev/$disk"
	await "a run of the unit" ran_since "$disk" "$before"
	nothing_failed "installed"
	echo "installed on a running system: published at once, and at the next change"
}

for step in at_boot of_a_service of_a_reported_service of_a_user changes unplugged another_in_its_place purged installed; do $step; done
