# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Included by packages.sh, boot.sh, rpm.sh, demo.sh and builds.sh: makes fresh systems. They run from the top of the
# source, as root.

[ "$(id -u)" = 0 ] || { echo "SKIP: only root can enter a root of its own"; exit 77; }
roots=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
trap 'rm -rf --one-file-system "$roots"' EXIT

# Makes a new system; its path is $roots/NAME.
new_root() { # NAME SUITE PACKAGE...
	local tar status=0
	tar=$(tests/vm/fetch.sh root "${@:2}") || status=$?
	[ $status != 77 ] || { echo "SKIP: no $2 on this machine's mirror"; exit 77; }
	[ $status = 0 ] || exit 1
	mkdir "$roots/$1"
	tar -xf "$tar" -C "$roots/$1"
	# apt needs these to find the mirror.
	cp -L /etc/resolv.conf /etc/hosts "$roots/$1/etc/"
}

# Runs a command in the system. Its /proc and its processes end with the command. Its root is a mount of its own: a
# test that gives itself another /sys first makes / private.
inside() { # NAME COMMAND...
	# shellcheck disable=SC2016 # the started shell expands it
	unshare --mount --pid --fork sh -c \
		'mount --bind "$1" "$1" &&
		mount -t proc proc "$1/proc" && mount -t sysfs sysfs "$1/sys" && mount --bind /dev "$1/dev" &&
		root=$1 && shift &&
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"' - "$roots/$1" "${@:2}"
}

# The source as `make dist` has it, uncommitted changes to known files included.
put_source() { # DIRECTORY
	mkdir -p "$1"
	git ls-files -z | tar -c --null -T - | tar -x -C "$1"
}

quietly() { # WHAT COMMAND...
	"${@:2}" > "$roots/log" 2>&1 || { grep -a -A 5 "FAILED: " "$roots/log"; tail -n 20 "$roots/log"; echo "FAILED $1"; return 1; }
}

# The packages that debian/control needs for a build.
build_needs() {
	sed -n '/^Build-Depends:/,/^[A-Z][a-z-]*:/p' debian/control | tr ',' '\n' |
		sed -nE 's/^(Build-Depends:)? +([a-z0-9-]+).*/\2/p' | sed 's/debhelper-compat/debhelper/'
}

# Builds the packages in a Debian 12, into $roots/build/built.
build_packages() {
	local built=$roots/build/built
	# shellcheck disable=SC2046 # several words
	new_root build bookworm build-essential fakeroot $(build_needs)
	put_source "$built/untorn"
	quietly "building" inside build sh -c 'cd /built/untorn && dpkg-buildpackage -us -uc -F'
	rm -rf "$built/untorn"
	echo "built: $(cd "$built" && echo *.deb)"
}
