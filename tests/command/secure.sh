#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn run must refuse programs that gain rights exactly where the kernel sets AT_SECURE, because the loader then
# ignores the preload. The test asks the kernel, too, and both must agree. And untorn run must take no library from the
# current folder.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library comes first"; exit 77 ;; esac
untorn=$BUILD/untorn
unset LD_PRELOAD
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
rows=0 bad=0
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
fail() { echo "$*"; bad=1; }

mkdir "$work/here" && cp "$BUILD/libuntorn.so" "$work/here/" && cp "$untorn" "$work/"
case $(cd "$work/here" && "$work/untorn" run true 2>&1) in
*"$work/here"*) fail "the library of the current folder was taken" ;;
esac

# The loader prints the kernel's AT_SECURE for a program, but only if the program is not secure (ld.so(8)).
program() { cp /bin/true "$work/$1" && chown "$2" "$work/$1" && chmod "$3" "$work/$1"; }
is_secure() { # WHO PROGRAM
	! $1 env LD_SHOW_AUXV=1 "$work/$2" | grep -q 'AT_SECURE: *0'
}
row() { # WHO PROGRAM: the kernel and the command agree
	rows=$((rows + 1))
	local said status=0 want=0
	is_secure "$1" "$2" && want=125
	said=$($1 "$untorn" run -- "$work/$2" 2>&1) || status=$?
	[ $status = $want ] || fail "$2 by ${1:-root}: status $status, not $want: $said"
	secure=$((secure + (want == 125)))
}

if [ "$(id -u)" != 0 ] || ! $nobody test -x "$untorn" -a -x "$work"; then
	echo "SKIP: not root, or other users cannot reach the build"
	exit $((bad ? 1 : 77))
fi
secure=0
program plain 0:0 755
program suid 1:0 4755
program sgid 0:1 2755
program both 1:1 6755
program lock 0:1 2745
program suid_root 0:0 4755
program sgid_root 0:0 2755
program suid_nobody 65534:0 4755
program unreadable 0:0 4711
ln -s suid "$work/link"
programs="plain suid sgid both lock suid_root sgid_root suid_nobody unreadable link"
for capability in cap_net_raw+ep cap_net_raw+p cap_net_raw+i cap_net_raw+ei; do
	program "$capability" 0:0 755
	setcap $capability "$work/$capability" 2> /dev/null && programs="$programs $capability"
done
for who in "" "$nobody" "setpriv --no-new-privs" "$nobody --no-new-privs" \
	"setpriv --regid=1 --clear-groups"; do
	for name in $programs; do row "$who" "$name"; done
done
if unshare --mount true 2> /dev/null; then
	nosuid=$(unshare --mount --propagation private bash -c "
		mount -t tmpfs -o nosuid none '$work/here' && cp -p '$work/suid' '$work/here/' &&
		'$untorn' run -- '$work/here/suid' 2>&1") || fail "on a nosuid mount: $nosuid"
fi
[ $secure -ge 10 ] || fail "only $secure programs gained any rights: this proves nothing"
[ "$bad" = 0 ] && echo "$rows rows, $secure of them refused"
exit $bad
