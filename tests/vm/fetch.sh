#!/bin/bash
# SPDX-License-Identifier: MIT
# Fetches the parts of the virtual machines into a cache: QEMU with per-namespace atomic limits and the unmodified
# client programs (from trixie and its backports, unpacked into one tree, not installed), and the kernels, by series.
# Everything comes through apt, from the Debian mirror that this machine already uses. A cached part is not fetched
# again.
#
#   tests/vm/fetch.sh tools            prints the tree with QEMU, fio, xfs_io, python3, perl
#   tests/vm/fetch.sh kernel SERIES    prints the tree of the newest kernel of 5.10, 6.1, 6.18, 7 ...
#   tests/vm/fetch.sh tree SUITE[+SUITE][:ARCHITECTURE] PACKAGE[/SUITE]...
#                                      prints a tree with these and all that they depend on
#   tests/vm/fetch.sh root SUITE PACKAGE...     prints a tar of an installed system with these in it
#   tests/vm/fetch.sh source SUITE PACKAGE      prints the tree of a source package
#
# Exit status: 0 done, 77 this machine's mirror does not have it, 1 an error.
set -euo pipefail

cache=${UNTORN_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/untorn-vm}
qemu=$(printf '%s/trixie-backports ' qemu-system-x86 qemu-system-common qemu-system-data seabios)
tools="fio xfsprogs python3 perl-base libjson-c5 fdisk util-linux kmod busybox-static zstd xz-utils
	coreutils bash dash grep sed gawk diffutils findutils hostname mount strace libnvme1t64
	libsgutils2-1.48 sg3-utils dmsetup liburing2 nvme-cli bsdextrautils udev libc-bin
	e2fsprogs mdadm"

say() { printf '%s\n' "fetch: $*" >&2; }
missing() { say "$*"; exit 77; }
failed() { say "$*"; exit 1; }
# No pipe into grep -q: grep would end apt by SIGPIPE, which is a failure with pipefail.
on_mirror() { # PACKAGE PATTERN-OF-ITS-POLICY
	local policy
	policy=$(apt-cache policy "$1" 2> /dev/null)
	grep -q "$2" <<< "$policy"
}

# The address of the archive with this label, as apt itself knows it.
site_of() {
	apt-get indextargets --format '$(LABEL)|$(SITE)' 'Created-By: Packages' |
		awk -F'|' -v label="$1" '$1 == label { print $2; exit }'
}

# A private apt with its own lists and cache and an empty list of installed packages: "install" means "download all
# dependencies, too", and the machine itself stays unchanged.
private_apt() { # NAME 'SUITE SUITE ...' [deb-src] [ARCHITECTURE]
	local dir=$cache/apt-$1 main security suite kind=${3:-deb} architecture=${4-}
	main=$(site_of Debian)
	security=$(site_of Debian-Security)
	[ -n "$main" ] || missing "apt knows no Debian mirror; is this a Debian machine with 'apt-get update' done?"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	: > "$dir/status"
	for suite in $2; do
		case $suite in
		*-security) [ -z "$security" ] || echo "$kind $security $suite main" ;;
		*) echo "$kind $main $suite main" ;;
		esac
	done > "$dir/sources.list"
	cat > "$dir/conf" <<-END
		APT::Architecture "${architecture:-$(dpkg --print-architecture)}";
		Dir::State "$dir";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::SourceList "$dir/sources.list";
		Dir::Etc::SourceParts "-";
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
	END
	export APT_CONFIG=$dir/conf
	if [ ! -e "$dir/fresh" ] || [ -n "$(find "$dir/fresh" -mmin +720)" ]; then
		say "reading the package lists of $2"
		apt-get -q update >&2 || say "some lists could not be read; going on with the others"
		touch "$dir/fresh"
	fi
}

# Unpacks downloaded packages into a tree, which appears only when it is complete.
unpack() { # TREE DEB...
	local tree=$1 deb
	shift
	rm -rf "$tree.part"
	mkdir -p "$tree.part"
	# A merged /usr first, or dpkg-deb would make /lib and /bin directories of their own.
	for d in bin sbin lib lib64; do mkdir -p "$tree.part/usr/$d" && ln -s "usr/$d" "$tree.part/$d"; done
	for deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$tree.part"; done
	rm -rf "$tree"
	mv "$tree.part" "$tree"
}

fetch_tools() {
	# Each list of programs has a tree of its own.
	local tree
	tree=$cache/tools-$(echo "$qemu $tools" | cksum | cut -d' ' -f1)
	if [ ! -d "$tree" ]; then
		private_apt tools "trixie trixie-backports"
		on_mirror qemu-system-x86 trixie-backports ||
			missing "this mirror has no trixie-backports, where QEMU 11 is"
		say "downloading QEMU and the client programs"
		# shellcheck disable=SC2086
		apt-get -qq -y --download-only install $qemu $tools >&2 ||
			failed "QEMU and the client programs could not be downloaded"
		unpack "$tree" "$cache"/apt-tools/cache/archives/*.deb
		ln -sf python3.13 "$tree/usr/bin/python3"
		rm -f "$cache"/apt-tools/cache/archives/*.deb
	fi
	echo "$tree"
}

# From 6.19 on the image package is a shell around linux-binary and linux-modules.
kernel_packages() { # SERIES
	local version
	version=$(apt-cache pkgnames linux- | sed -nE \
		"s/^linux-(image|binary)-(${1//./\\.}\.[0-9][^ ]*-amd64)\$/\2/p" |
		grep -vE 'cloud|rt-|deb1[12]\.' | sort -Vu | tail -1)
	[ -n "$version" ] || return 1
	for p in linux-binary-$version linux-modules-$version linux-base-$version linux-image-$version; do
		! on_mirror "$p" 'Candidate: [^(]' || echo "$p"
	done
}

fetch_kernel() { # SERIES
	local tree=$cache/kernel-$1 packages
	if [ ! -d "$tree" ]; then
		private_apt kernels "bullseye bullseye-security bookworm bookworm-security bookworm-backports
			trixie trixie-backports"
		packages=$(kernel_packages "$1") || missing "no kernel $1 on this mirror"
		say "downloading kernel $1:" $packages
		rm -rf "$cache/debs-$1"
		mkdir -p "$cache/debs-$1"
		# shellcheck disable=SC2086
		(cd "$cache/debs-$1" && apt-get -qq download $packages >&2) ||
			failed "kernel $1 could not be downloaded"
		unpack "$tree" "$cache/debs-$1"/*.deb
		rm -rf "$cache/debs-$1"
	fi
	echo "$tree"
}

# Programs of one suite, with all that they depend on.
fetch_tree() { # SUITE PACKAGE...
	local suite=$1 tree
	tree=$cache/tree-${suite/:/-}-$(echo "$*" | cksum | cut -d' ' -f1)
	shift
	if [ ! -d "$tree" ]; then
		private_apt "${suite/:/-}" "$(tr + ' ' <<< "${suite%:*}")" deb "$(cut -s -d: -f2 <<< "$suite")"
		for package; do
			on_mirror "${package%/*}" 'Candidate: [^(]' || missing "no $package in $suite on this mirror"
		done
		rm -f "$cache/apt-${suite/:/-}"/cache/archives/*.deb # left by an interrupted call
		say "downloading from $suite:" "$@"
		apt-get -qq -y --download-only install "$@" >&2 || failed "$* could not be downloaded"
		unpack "$tree" "$cache/apt-${suite/:/-}"/cache/archives/*.deb
		rm -f "$cache/apt-${suite/:/-}"/cache/archives/*.deb
	fi
	echo "$tree"
}

# Makes an installed system by mmdebstrap, in which apt and dpkg work. Only as root. A mirror may not have been
# updated for longer than its lists are valid; the lists are signed all the same.
fetch_root() { # SUITE PACKAGE...
	local suite=$1 tar
	tar=$cache/root-$suite-$(echo "$*" | cksum | cut -d' ' -f1).tar
	shift
	if [ ! -e "$tar" ]; then
		private_apt "$suite" "$suite"
		apt-cache show base-files > /dev/null 2>&1 || missing "no $suite on this mirror"
		say "installing a root of $suite"
		env -u APT_CONFIG mmdebstrap --format=tar --variant=minbase ${1:+--include="$(IFS=,; echo "$*")"} \
			--aptopt="Acquire::Check-Valid-Until \"false\"" \
			"$suite" "$tar.part" "deb $(site_of Debian) $suite main" > "$tar.log" 2>&1 ||
			{ tail -n 5 "$tar.log" >&2; failed "a root of $suite could not be made"; }
		mv "$tar.part" "$tar"
	fi
	echo "$tar"
}

fetch_source() { # SUITE PACKAGE
	local tree=$cache/source-$1-$2
	if [ ! -d "$tree" ]; then
		private_apt "$1-sources" "$1" deb-src
		[ -n "$(apt-cache showsrc --only-source "$2" 2> /dev/null)" ] ||
			missing "no source of $2 in $1 on this mirror"
		say "downloading the source of $2 from $1"
		rm -rf "$tree.part"
		mkdir -p "$tree.part"
		(cd "$tree.part" && apt-get -qq --download-only source "$2" >&2 &&
			dpkg-source --no-check -x ./*.dsc source > /dev/null) ||
			failed "the source of $2 could not be had"
		mv "$tree.part/source" "$tree"
		rm -rf "$tree.part"
	fi
	echo "$tree"
}

mkdir -p "$cache"
exec 8> "$cache/lock" # one at a time
flock 8
case ${1:-} in
tools) fetch_tools ;;
kernel) fetch_kernel "${2:?which series?}" ;;
tree) fetch_tree "${@:2}" ;;
root) fetch_root "${@:2}" ;;
source) fetch_source "${2:?which suite?}" "${3:?which package?}" ;;
*) sed -n '/^#  /s/^# *//p' "$0" >&2; exit 1 ;;
esac
