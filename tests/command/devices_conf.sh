#!/bin/bash
# SPDX-License-Identifier: MIT
# /etc/untorn/devices.conf over the simulated disk, in an /etc and a /run of our own. Checks what the doctor prints,
# which writes a program may make, which settings come before the file, and that root publishes the file's decision
# for programs that cannot see the file.
set -u
case $BUILD in *address* | *thread*) echo "SKIP: a sanitizer's library comes first"; exit 77 ;; esac
unset LD_PRELOAD UNTORN_MODE UNTORN_NVME_LIMITS UNTORN_RULES UNTORN_SIM
if [ -z "${UNTORN_TEST_ETC:-}" ]; then
	[ "$(id -u)" = 0 ] && unshare --mount true 2> /dev/null || { echo "SKIP: needs root, for mounts of its own"; exit 77; }
	UNTORN_TEST_ETC=$(mktemp -d) && export UNTORN_TEST_ETC
	trap 'rm -rf "$UNTORN_TEST_ETC"' EXIT
	cp -a /etc/. "$UNTORN_TEST_ETC" && chmod 755 "$UNTORN_TEST_ETC"
	unshare --mount --propagation private "$0"
	exit
fi
mount --bind "$UNTORN_TEST_ETC" /etc && mount -t tmpfs none /run || exit 1
u=/dev/sim0n1 file=/etc/untorn/devices.conf bad=0 checks=0
mkdir -m 755 /etc/untorn
umask 022

sim() { # COMMAND...
	UNTORN_SIM="$u=/run/image,size=16M,log=/run/log,awupf=31" LD_PRELOAD=$BUILD/libuntorn-sim.so "$@"
}
equal() { # WHAT GOT WANTED
	checks=$((checks + 1))
	[ "$2" = "$3" ] || { echo "$1: '$2', not '$3'"; bad=1; }
}
said() { # LINE: the doctor prints it
	checks=$((checks + 1))
	sim "$BUILD/untorn" doctor $u | tr -s ' ' > /run/text
	grep -qF -- "$1" /run/text || { echo "no '$1' in: $(cat /run/text)"; bad=1; }
}
write() { # BYTES OFFSET: its result, or the reason in the log
	sim env LD_PRELOAD="$BUILD/libuntorn.so:$BUILD/libuntorn-sim.so" python3 - "$1" "$2" << 'END' 2> /dev/null
import mmap, os, sys
fd = os.open("/dev/sim0n1", os.O_RDWR | os.O_DIRECT)
try: print(os.pwritev(fd, [memoryview(mmap.mmap(-1, int(sys.argv[1])))], int(sys.argv[2]), 0x40))
except OSError as e: print(os.strerror(e.errno))
END
}
invalid='Invalid argument'

said "UNTORN_NVME_LIMITS namespace"
said "namespace 512 bytes, from "
said "controller 16384 bytes, from AWUPF"
equal "no file" "$(write 16384 16384)" "$invalid"

cat > $file << 'END'
# the other one first
serial=another nvme-limits=controller rules=device
model="untorn simulated*" serial=untorn-sim nvme-limits=controller
END
said "atomic writes of 512 to 16384 bytes"
said "UNTORN_NVME_LIMITS controller, by line 3 of $file"
said "UNTORN_RULES linux"
equal "controller" "$(write 16384 16384)" 16384
equal "not by device rules" "$(write 1536 512)" "$invalid"
equal "environment first" "$(UNTORN_NVME_LIMITS=namespace write 16384 16384)" "$invalid"
equal "environment, the other half" "$(UNTORN_RULES=device write 1536 512)" 1536
equal "a word that is none" "$(UNTORN_NVME_LIMITS=x write 16384 16384)" "$invalid"

echo "path=$u rules=device nvme-limits=controller" > $file
said "$file line 1 matches this disk"
said "UNTORN_RULES device, by line 1 of $file"
equal "device rules" "$(write 1536 512)" 1536
equal "published" "$(sim "$BUILD/untorn" publish $u)" "published $u: its atomic unit is 16384 bytes, by line 1 of $file"
mv $file $file.away
said "UNTORN_NVME_LIMITS controller, by the record that root published"
equal "by what was published" "$(write 1536 512)" 1536
equal "published, but the environment first" "$(UNTORN_RULES=linux write 1536 512)" "$invalid"
: > $file
equal "a file that says nothing is newer" "$(write 1536 512)" "$invalid"
rm -r /run/untorn
mv $file.away $file

chmod 664 $file
said "$file not believed: users other than root may write it"
said "chown root: $file"
equal "written by others" "$(write 1536 512)" "$invalid"
chmod 644 $file
echo "model=* rules=devices" >> $file
said "$file line 2 is invalid: the whole file is ignored"
said "correct line 2 of $file"
equal "not understood" "$(write 1536 512)" "$invalid"
equal "not understood, in the log" "$(UNTORN_LOG=error:/run/said write 1536 512; grep -c "$file: line 2 is invalid" /run/said)" \
	"$invalid
1"
equal "not published" "$(sim "$BUILD/untorn" publish $u 2>&1)" \
	"untorn: $u: not published: line 2 of $file is invalid"
! unshare -Ur true 2> /dev/null ||
	equal "not published in a user namespace" "$(sim unshare -Ur "$BUILD/untorn" publish $u 2>&1)" \
		"untorn: $u: not published: $file is not believed: this user namespace does not know the machine's root"

# The file goes and comes back while a program writes: the shim must follow, at the latest after ten seconds.
echo "path=$u rules=device nvme-limits=controller" > $file
sim env LD_PRELOAD="$BUILD/libuntorn.so:$BUILD/libuntorn-sim.so" python3 - $u $file << 'END' || bad=1
import mmap, os, sys, time
disk, file = sys.argv[1:]
fd, page = os.open(disk, os.O_RDWR | os.O_DIRECT), memoryview(mmap.mmap(-1, 1536))
def write():
    try: return os.pwritev(fd, [page], 512, 0x40)
    except OSError as e: return -e.errno
def until(result):
    end = time.time() + 10
    while write() != result and time.time() < end: time.sleep(0.05)
    return write() == result
assert write() == 1536
os.rename(file, file + ".away")
assert until(-22), "still by a file that is gone"
os.rename(file + ".away", file)
assert until(1536), "not by a file that came"
END
[ "$bad" = 0 ] && echo "$checks checks"
exit $bad
