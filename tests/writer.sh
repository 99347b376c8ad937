# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Included by tests/command/stat.sh and tests/command/report.sh. Makes a new folder and enters it. write.py there
# is the beginning of a python program that makes atomic writes. `rows` and `failed` are the scripts' counts.
case $BUILD in
*address* | *thread*) echo "SKIP: a sanitizer's library would have to come first" && exit 77 ;;
esac
[ -x /usr/bin/python3 ] || { echo "SKIP: python3 is not installed"; exit 77; }
BUILD=$(realpath "$BUILD")
work=$(mktemp -d)
trap 'kill "${jobs[@]}" 2> /dev/null; rm -rf "$work"' EXIT
chmod 777 "$work"
cd "$work" || exit 1
unset LD_PRELOAD UNTORN_MODE UNTORN_SIM UNTORN_LOG UNTORN_STAT
rows=0 failed=0 jobs=()
fail() { failed=$((failed + 1)); echo "FAILED $1"; }

cat > write.py <<'END'
import mmap, os, sys, time
disk = os.open("/dev/sim0n1", os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 16384)
def write(count):
    for i in range(count):
        os.pwritev(disk, [page], i * 16384, 0x40)
END
