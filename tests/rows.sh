# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the including scripts use them
# Included by tests of untorn run. A row has a name, the exit status, a glob each for standard output and standard
# error, and the command. The current folder is a new one, which is removed at the end.
case $BUILD in
*address* | *thread*) echo "SKIP: a sanitizer's library would have to come first" && exit 77 ;;
esac
BUILD=$(realpath "$BUILD")
untorn=$BUILD/untorn shim=$BUILD/libuntorn.so sim=$BUILD/libuntorn-sim.so
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work" || exit 1
unset LD_PRELOAD ASAN_OPTIONS LD_LIBRARY_PATH "${!UNTORN_@}"
rows=0 failed=0 skipped=0

row() { # NAME STATUS STDOUT STDERR COMMAND...
	local name=$1 want=$2 out=$3 err=$4 status
	shift 4
	rows=$((rows + 1))
	"$@" > out 2> err < /dev/null
	status=$?
	# shellcheck disable=SC2053 # the rows have globs
	[[ $status == "$want" && $(< out) == $out && $(< err) == $err ]] && return
	failed=$((failed + 1))
	printf 'FAILED %s: status %s, not %s\n  stdout: %s\n  stderr: %s\n' "$name" "$status" \
		"$want" "$(< out)" "$(< err)"
}

skip() { # REASON
	skipped=$((skipped + 1))
	echo "skipped: $1"
}

run() { row "$1" "$2" "$3" "$4" "$untorn" run "${@:5}"; }
# shellcheck disable=SC2016 # the started shells expand it
preload='echo $LD_PRELOAD'
ended() {
	echo "$rows rows, $failed failed, $skipped groups skipped"
	[ "$failed" = 0 ]
}
