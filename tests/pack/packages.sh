#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests the Debian packages: builds them in a Debian 12 and checks them by lintian. Then installs them in Debian 12, 13
# and sid, runs their autopkgtests and purges them, which must leave nothing. At last boots a system with them (boot.sh)
# and runs the README's first steps (demo.sh). make packages, or tests/pack/packages.sh SUITE...
set -eu
. tests/pack/lib.sh
suites=${*:-bookworm trixie sid}
built=$roots/build/built

look_over() {
	lintian --allow-root --fail-on error,warning --show-overrides "$built"/*.changes
	echo "lintian $(lintian --print-version): clean"
}

# Lists all files, except those that change with any use of apt.
list() { # ROOT
	inside "$1" find / -xdev \( -path /dev -o -path /proc -o -path /sys -o -path /tmp -o -path /debs -o -path /var/cache \
		-o -path /var/lib/apt -o -path /var/log -o -path /var/lib/dpkg/status\* \
		-o -path /var/lib/dpkg/available\* -o -path /var/lib/dpkg/lock\* \) -prune -o -print | sort
}

depends() { sed -n 's/^Depends: //p' debian/tests/control | tr -d ',' | tr ' ' '\n' | grep -v untorn | sort -u; }

# Runs the autopkgtests' programs as autopkgtest does, which itself would need a machine of its own.
autopkgtests() { # ROOT
	local name names
	read -ra names <<< "$(sed -n 's/^Tests: //p' debian/tests/control | tr '\n' ' ')"
	# shellcheck disable=SC2046
	quietly "installing what the tests need" inside "$1" apt-get -qq -y --no-install-recommends install $(depends)
	for name in "${names[@]}"; do
		cp "debian/tests/$name" "$roots/$1/tmp"
		quietly "autopkgtest $name in $1" inside "$1" sh -c "cd /tmp && ./$name"
		echo "$1: autopkgtest $name: $(tail -n 1 "$roots/log")"
	done
}

in_suite() { # SUITE
	new_root "$1" "$1"
	mkdir "$roots/$1/debs"
	cp "$built"/*.deb "$roots/$1/debs"
	quietly "apt-get update" inside "$1" apt-get -qq update
	list "$1" > "$roots/before"
	quietly "installing" inside "$1" sh -c 'apt-get -qq -y --no-install-recommends install /debs/*.deb'
	[ "$(inside "$1" untorn --version)" = "untorn $(dpkg-deb -f "$built"/untorn_*.deb Version)" ]
	inside "$1" untorn run -- true
	quietly "purging" inside "$1" sh -c 'apt-get -qq -y purge "*untorn*" && apt-get -qq -y --purge autoremove'
	list "$1" > "$roots/after"
	diff "$roots/before" "$roots/after" || { echo "FAILED $1: purging left that"; return 1; }
	echo "$1: installed, ran, purged, nothing left"
	quietly "installing again" inside "$1" sh -c 'apt-get -qq -y --no-install-recommends install /debs/*.deb'
	autopkgtests "$1"
	quietly "purging again" inside "$1" apt-get -qq -y purge '*untorn*'
	! list "$1" | grep untorn
	rm -rf --one-file-system "${roots:?}/$1"
}

build_packages
look_over
for suite in $suites; do in_suite "$suite"; done
tests/pack/boot.sh "$built"
tests/pack/demo.sh
