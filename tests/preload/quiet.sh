#!/bin/bash
# SPDX-License-Identifier: MIT
# A process that never touches a block device must not notice the shim: under strace, /bin/true makes the same system
# calls with the preload as without, except those that load the shim itself.
set -eu
command -v strace > /dev/null || { echo "SKIP: strace is not installed"; exit 77; }
shim=$BUILD/libuntorn.so
case $BUILD in *address* | *thread*) echo "SKIP: the sanitizers' own calls would drown ours"; exit 77 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Leaves a count of each system call in $work/NAME.calls, and all opened files in $work/NAME.files.
trace() { # NAME COMMAND...
	strace -f -o "$work/$1" -E LD_PRELOAD="${LD_PRELOAD_UNDER_TEST:-}" "${@:2}" < /dev/null
	sed -nE 's/^[0-9]+ +openat\([^"]*"([^"]+)".*= [0-9]+.*/\1/p' "$work/$1" | sort > "$work/$1.files"
	sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$work/$1" | sort | uniq -c > "$work/$1.calls"
}

LD_PRELOAD_UNDER_TEST='' trace plain /bin/true
LD_PRELOAD_UNDER_TEST=$shim trace shim /bin/true

opened=$(comm -13 "$work/plain.files" "$work/shim.files")
[ "$opened" = "$shim" ] || { echo "opened besides the shim: $opened"; exit 1; }
! grep -E '^[0-9]+ +(clone|clone3|fork|vfork|socket|ioctl|prctl|rt_sigaction)\(' "$work/shim" ||
	{ echo "the shim makes threads, handlers or device calls"; exit 1; }
# Loading one more library may cost these calls: open, read, fstat, close, mmap of its segments, mprotect.
more=$(diff <(awk '{ print $2, $1 }' "$work/plain.calls") <(awk '{ print $2, $1 }' "$work/shim.calls") |
	sed -nE 's/^> ([a-z0-9_]+) .*/\1/p' | sort -u | tr '\n' ' ')
for call in $more; do
	case $call in
	openat | read | fstat | newfstatat | close | mmap | munmap | mprotect | pread64 | access) ;;
	*) echo "a call that plain loading does not make: $call"; exit 1 ;;
	esac
done
echo "opened: ${opened##*/} alone; more calls of: $more"

# The shim's statx() must not open a node that no disk driver can serve: the open could load a driver or wake a device
# up. (The shim's own opens have O_NOCTTY.)
mknod "$work/node" b 4000 77 2> /dev/null || exit 0
LD_PRELOAD_UNDER_TEST=$shim trace statx "$BUILD/tests/vm/statx_print" disk="$work/node" > /dev/null
! grep "open.*O_NOCTTY" "$work/statx" || { echo "statx opens a node without a driver"; exit 1; }
