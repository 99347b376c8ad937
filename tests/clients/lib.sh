# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Included by the scripts of this folder, which run unmodified clients at their usual work: without the shim
# ("native"), with it in its default mode ("auto"), with it sending commands even where the kernel could do the writes
# ("command"), and the same in deep mode ("deep"). UNTORN_CLIENT_WAYS: which of the last three.
# They run from the top of the source, with $BUILD as tests/run.sh sets it. The clients come from this machine's own
# mirror and are unpacked into trees; nothing is installed.

shim=$BUILD/libuntorn.so
shim_ways=${UNTORN_CLIENT_WAYS:-auto command deep} ways="native $shim_ways"
work=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill -9 "$server" 2> /dev/null || true
	wait
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "$*"; exit 1; }
case $BUILD in *address* | *thread*) skip "the clients are not built with sanitizers" ;; esac

# As tests/vm/fetch.sh, into $tree. If the mirror lacks something, the script ends as skipped.
fetched() {
	local status=0
	tree=$(tests/vm/fetch.sh "$@") || status=$?
	[ $status != 77 ] || skip "this machine's mirror does not have $*"
	return $status
}

# A tree is another system, perhaps of another Debian release. Its programs get it as their root, with $work as /tmp
# and the shim in it. They run as nobody, because servers refuse to run as root.
enter_tree() { # ARGUMENTS OF fetch.sh
	[ "$(id -u)" = 0 ] || skip "only root can give a program another root"
	fetched "$@"
	chmod 755 "$work"
	cp "$shim" "$work/"
	mkdir -p "$tree"/{dev,proc,tmp,etc}
	printf '%s\n' root:x:0:0::/:/bin/sh nobody:x:65534:65534::/tmp:/bin/sh > "$tree/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: > "$tree/etc/group"
}
fresh_run() { # an empty /tmp/run owned by nobody
	rm -rf "$work/run"
	install -d -o 65534 -g 65534 "$work/run"
}

with_shim() { # WAY LIBRARY: into $variables, for env
	variables=()
	case $1 in
	native) ;;
	deep) variables=("LD_PRELOAD=$2" UNTORN_MODE=command UNTORN_DEEP=1) ;;
	*) variables=("LD_PRELOAD=$2" "UNTORN_MODE=$1") ;;
	esac
}

# The mounts end with the program. Only exec, so that the process ID is the program's.
become() { # WAY PROGRAM...
	local variables
	with_shim "$1" /tmp/libuntorn.so
	# shellcheck disable=SC2016
	exec unshare --mount sh -c '
		mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" && mount --bind "$2" "$1/tmp" || exit 1
		tree=$1
		shift 2
		exec chroot --userspec=65534:65534 --groups= "$tree" "$@"' sh "$tree" "$work" \
		env -C /tmp/run -i HOME=/tmp/run TMPDIR=/tmp/run LC_ALL=C PATH="/usr/bin:/usr/sbin:${tree_path:-}" "${variables[@]}" "${@:2}"
}
in_tree() { (become "$@"); }

# Checks that the shim is in the process, or not: else a test could pass without it.
has_shim() { # WAY PID
	local found=no wanted=yes
	[ "$1" != native ] || wanted=no
	! grep -q '/libuntorn\.so$' "/proc/$2/maps" || found=yes
	[ $found = $wanted ] || fail "is the shim in process $2 ($1)? $found"
}
has_ring() { # PID
	[ -n "$(find "/proc/$1/fd" -lname 'anon_inode:\[io_uring\]')" ] || fail "process $1 has no io_uring"
}

until_true() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	until "${@:2}" > "$work/until" 2>&1; do
		[ $SECONDS -lt $end ] || { cat "$work/until"; fail "not within $1 s: ${*:2}"; }
		sleep 0.3
	done
}

# Kills the server by kill -9, as in a power cut that the disk survives.
crash() {
	kill -9 "$server"
	wait "$server" 2> /dev/null || true
	server=
}

# The clients' logs must not mention untorn or crashes.
silent() { # LOG...
	! grep -iE 'untorn|panic|segfault|signal 11|signal 6' "$@" || fail "that is in the logs"
}
