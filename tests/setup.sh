#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the packages that this make target needs and this machine lacks: tests/setup.sh PACKAGE...
# PACKAGE? is optional: a distribution may lack it.
# Installs only on Debian and its derivatives; elsewhere it prints the packages to install, and fails.
set -eu
missing='' optional=''
for package; do
	dpkg-query -W -f '${db:Status-Status}' "${package%\?}" 2> /dev/null | grep -qx installed && continue
	case $package in
	*\?) optional="$optional ${package%\?}" ;;
	*) missing="$missing $package" ;;
	esac
done
there() { # PACKAGE...: those that apt knows
	local package
	for package; do
		! apt-cache show "$package" > /dev/null 2>&1 || printf ' %s' "$package"
	done
}
# shellcheck disable=SC2086
[ -n "$missing" ] || missing=$(there $optional)
[ -n "$missing" ] || exit 0
if ! command -v apt-get > /dev/null; then
	echo "Please install what Debian calls:$missing" >&2
	exit 1
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=$(command -v sudo) ||
	{ echo "Please install, as root: apt-get install$missing" >&2; exit 1; }
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$sudo apt-get -qq update
# shellcheck disable=SC2086
missing="$missing $(there $optional)"
# shellcheck disable=SC2086
$sudo apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install $missing > /dev/null
