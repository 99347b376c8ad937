#!/bin/bash
# SPDX-License-Identifier: MIT
# Each script of examples/trace traces a program that writes to the simulated disk: its output must be what the program
# did.
set -eu
. tests/clients/lib.sh
[ "$(id -u)" = 0 ] && command -v bpftrace > /dev/null || skip "needs root and bpftrace"
bpftrace -e 'BEGIN { exit(); }' > /dev/null 2>&1 || skip "bpftrace cannot be used here"
readelf -n "$shim" | grep -q 'Provider: untorn' || skip "the shim has no probes: it was built without <sys/sdt.h>"
cp "$shim" "$BUILD/libuntorn-sim.so" "$work"

cat > "$work/program.py" << 'END'
import mmap, os, time
fd, data = os.open("/dev/sim0n1", os.O_RDWR | os.O_DIRECT), memoryview(mmap.mmap(-1, 16384))
while True:
    assert os.pwritev(fd, [data], 1 << 20, 0x40) == 16384
    try: os.pwritev(fd, [data[:3072]], 0, 0x40)
    except OSError as e: assert e.errno == 22
    time.sleep(0.001)
END
UNTORN_SIM=/dev/sim0n1=$work/image,size=16M,nawupf=31,delay=300 LD_PRELOAD=$work/libuntorn.so:$work/libuntorn-sim.so \
	python3 "$work/program.py" &
server=$!
for script in latency refusals sizes; do
	sed 's/interval:s:10/interval:s:1/' "examples/trace/$script.bt" > "$work/$script.bt"
	timeout -s INT 6 bpftrace -p $server "$work/$script.bt" > "$work/$script" 2>&1 || true
done
kill -0 $server || fail "the program ended"
said() { grep -qE -- "$2" "$work/$1" || { cat "$work/$1"; fail "$1: no '$2'"; }; }
said latency '^@us\[240, 0\]: *$'
said latency '^\[(256, 512|512, 1K)\) +[0-9]+ '
said refusals '^pwritev2: disk 240:0, 3072 bytes at 0 refused, errno 22$'
said refusals '^@by_command\[pwritev2\]: [0-9]+$'
said refusals '^@refused\[pwritev2, errno, 22, bytes, 3072\]: [0-9]+$'
said sizes '^@bytes\[240, 0\]: *$'
said sizes '^\[16K, 32K\) +[0-9]+ '
echo "latency, refusals and sizes say what the program did"
