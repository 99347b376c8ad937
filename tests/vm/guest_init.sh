#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# The guest's first process: builds the root, loads drivers, runs /job/command, powers off.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /mod/order); do insmod "/mod/$module" 2> /dev/null; done
. /job/facts

mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /ro
mount -t tmpfs tmpfs /rw
mkdir /rw/upper /rw/work
mount -t overlay -o "lowerdir=/ro$own_root,upperdir=/rw/upper,workdir=/rw/work" overlay /newroot
mount_out() { mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /newroot/out; }

# A root with its own init: systemd starts the command as its last service.
if [ -n "$own_root" ]; then
	mkdir -p /newroot/out /newroot/lib/modules
	mount --bind "/ro$tree/usr/lib/modules" /newroot/lib/modules
	mount_out
	cp /job/command /newroot/.command
	cat > /newroot/etc/systemd/system/vm-command.service <<- 'END'
		[Unit]
		After=multi-user.target
		[Service]
		Environment=OUT=/out HOME=/root
		ExecStart=/bin/sh -c '(. /.command) > /dev/virtio-ports/output 2>&1; echo $$? > /dev/virtio-ports/status; \
			sync; echo o > /proc/sysrq-trigger'
	END
	mkdir -p /newroot/etc/systemd/system/multi-user.target.wants
	ln -s ../vm-command.service /newroot/etc/systemd/system/multi-user.target.wants/
	for directory in proc sys dev; do mount --move /$directory /newroot/$directory; done
	exec switch_root /newroot /sbin/init
fi

# The source, the tools and the modules may lie anywhere, also under /tmp, which a mount hides below: bind them here
# first. The clients' tree gets the same mounts as the root.
mkdir -p /source /tools /newroot/out /newroot/lib/modules
mount --bind "/newroot$cwd" /source
mount --bind "/newroot$tools" /tools
mkdir -p /tools/lib/modules /tools/dev /tools/proc /tools/sys /tools/tmp /tools/run /tools/out
for root in /newroot /tools; do
	mount --bind "/newroot$tree/usr/lib/modules" "$root/lib/modules"
done
for root in /newroot /tools; do
	mount -t proc proc "$root/proc"
	mount -t sysfs sys "$root/sys"
	mount --bind /dev "$root/dev"
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mkdir -p "$root$cwd"
	mount --bind /source "$root$cwd"
done
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount_out
mount --bind /newroot/out /tools/out
mkdir -p "/newroot$tools"
mount --rbind /tools "/newroot$tools"
# Ordinary users must reach the source, which may lie in somebody's home.
dir=$cwd
while [ "$dir" != / ]; do
	chmod a+rx "/newroot$dir" "/tools$dir"
	dir=$(dirname "$dir")
done
ip link set lo up
ln -s /proc/self/fd /dev/fd
chroot /tools /sbin/modprobe nvme
chroot /tools /sbin/modprobe sd_mod
tries=0
while [ "$(ls /sys/class/nvme 2> /dev/null | wc -l)" -lt "$disks" ] && [ $tries -lt 200 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
# The kernel scans the namespaces after it has found the controllers.
for controller in /sys/class/nvme/nvme*; do
	tries=0
	while [ -e "$controller" ] && [ "$(cat "$controller/state")" != live ] && [ $tries -lt 200 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
done
[ "$disks" = 0 ] || sleep 0.3

for port in /sys/class/virtio-ports/vport*; do
	case $(cat "$port/name") in
	output) output=/dev/${port##*/} ;;
	status) status=/dev/${port##*/} ;;
	esac
done
root=/newroot
[ "$in_tools" = 0 ] || root=/tools
cp /job/command "$root/tmp/.command"
# A bash script that ends because a command failed prints that command.
cat > "$root/tmp/.bash_env" << 'END'
set -E
trap 'case $?,$- in *,*e*) echo "$0, line $LINENO: failed: $BASH_COMMAND" >&2 ;; esac' ERR
END
exec 3> "$output" 4> "$status"
echo begun >&4
# Shortly before the time is over: print where each thread waits, except the kernel's own. So a hang can be found.
(
	sleep $((seconds > 60 ? seconds - 15 : 86400))
	for task in /proc/[0-9]*/task/*; do
		[ -n "$(tr -d '\0' < "${task%/task/*}/cmdline")" ] || continue
		echo "$task $(cat "$task/comm"), system call $(cat "$task/syscall")"
		cat "$task/stack"
	done
) >&3 2> /dev/null 4>&- &
BASH_ENV=/tmp/.bash_env SOURCE=$cwd HOME=/root OUT=/out TOOLS=$tools TERM=dumb SYSTEMD_IGNORE_CHROOT=1 \
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	chroot "$root" /bin/sh -c 'cd "$SOURCE" && . /tmp/.command' >&3 2>&1 3>&- 4>&- < /dev/null
echo $? >&4
sync
echo o > /proc/sysrq-trigger
sleep 60
