#!/bin/bash
# SPDX-License-Identifier: MIT
# The seccomp profile of examples/container. A process installs it as a filter, as a container's runtime does. Under it
# untorn must serve pwritev2, libaio and io_uring on the simulated disk; calls that it does not name must be refused.
set -u
. tests/checks.sh
[ "$(uname -m)" = x86_64 ] || { echo "SKIP: the numbers of system calls are x86-64's"; exit 77; }
command -v python3 > /dev/null || { echo "SKIP: no python3"; exit 77; }
echo '#include <sys/syscall.h>' | ${CC:-gcc} -E -dM - | sed -nE 's/^#define __NR_([a-z0-9_]+) ([0-9]+)$/\1 \2/p' > "$work/numbers"

cat > "$work/confine.py" << 'END'
import ctypes, json, os, struct, sys
numbers, profile, *command = sys.argv[1:]
number = dict(line.split() for line in open(numbers))
profile = json.load(open(profile))
assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
names = [n for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for n in rule["names"]]
assert len(names) == len(set(names)), "a name comes twice"
names.append("process_vm_writev") # only the simulated disk, which stands for the kernel, needs it
LOAD, EQUAL, RETURN, ALLOW, ERRNO = 0x20, 0x15, 0x06, 0x7fff0000, 0x00050000
code = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, 0xc000003e), (RETURN, 0, 0, ERRNO | 1), (LOAD, 0, 0, 0)] # only x86-64's calls
for name in names:
    if name in number: # else it is newer than these headers, or another machine's
        code += [(EQUAL, 0, 1, int(number[name])), (RETURN, 0, 0, ALLOW)]
code.append((RETURN, 0, 0, ERRNO | profile["defaultErrnoRet"]))
program = b"".join(struct.pack("HBBI", *line) for line in code)
memory = ctypes.create_string_buffer(program)
header = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(memory))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, header) == 0, os.strerror(ctypes.get_errno()) # PR_SET_SECCOMP, a filter
os.execvp(command[0], command)
END
confined() { python3 "$work/confine.py" "$work/numbers" examples/container/seccomp.json "$@"; }
run() { confined "$untorn" run --sim="$u=$work/image,nawupf=31,log=$work/log" --report="$work/report" -- "$@"; }

if unshare --mount true 2> /dev/null; then
	has_refused=$(confined unshare --mount true 2>&1)
	equal "what it does not name" "$(grep -c 'not permitted' <<< "$has_refused")" 1
else
	left_out="$left_out what it does not name (no mount namespaces);"
fi
for example in "pwritev2 $u 0 16384" "libaio $u 16384 8" "io_uring $u 16384 8"; do
	read -r example arguments <<< "$example"
	[ -x "$BUILD/examples/$example" ] || { left_out="$left_out $example;"; continue; }
	rm -rf "$work"/image* "$work/log" "$work/report"
	# shellcheck disable=SC2086
	said=$(run "$BUILD/examples/$example" $arguments 2>&1)
	equal "$example: status" "$? $said" "0 $said"
	equal "$example: commands of 16 KiB" "$([ "$(grep -c '^write .* nlb=32 ' "$work/log")" -gt 0 ] && echo some)" some
done
[ -z "$left_out" ] || echo "left out:$left_out"
[ "$bad" = 0 ] && echo "$checks checks"
exit $bad
