#!/bin/bash
# SPDX-License-Identifier: MIT
# In a user namespace, user 0 may be anybody, and the machine's root has no number. There the shim must not believe the
# files in /run/untorn, and the doctor must say so. Outside it must believe them.
set -eu
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library would have to come first"; exit 77 ;; esac
[ "$(id -u)" = 0 ] || { echo "SKIP: not root"; exit 77; }
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if [ -z "${IN_OWN_MOUNTS-}" ]; then
	$nobody unshare -Ur true 2> /dev/null || { echo "SKIP: no user namespaces for users here"; exit 77; }
	IN_OWN_MOUNTS=1 exec unshare -m "$0"
fi
mount -t tmpfs none /run
work=$(mktemp -d -p /run)
chmod 777 "$work"
cp "$BUILD"/{libuntorn.so,libuntorn-sim.so,untorn,examples/pwritev2} "$work" # readable for every user
sim=/dev/sim0n1=$work/image,nawupf=31
LD_PRELOAD=$work/libuntorn-sim.so UNTORN_SIM=$sim "$work/untorn" publish /dev/sim0n1 > /dev/null
chmod -R a+rwX "$work"/image*
export UNTORN_SIM=$sim,unprivileged
write() { # COMMAND BEFORE IT
	$nobody "$@" env LD_PRELOAD="$work/libuntorn.so:$work/libuntorn-sim.so" "$work/pwritev2" /dev/sim0n1 0 16384
}
write env | grep -q 'all or nothing' || { echo "published, but not believed"; exit 1; }
! write unshare -Ur 2> /dev/null || { echo "believed in a user namespace"; exit 1; }
said=$($nobody unshare -Ur env LD_PRELOAD="$work/libuntorn-sim.so" "$work/untorn" doctor /dev/sim0n1) || true
grep -q "user namespace" <<< "$said" || { echo "the doctor does not name it: $said"; exit 1; }
! grep -q "at every boot: untorn publish" <<< "$said" || { echo "advice that does not help: $said"; exit 1; }
