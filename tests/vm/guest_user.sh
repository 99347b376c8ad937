#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: atomic writes of an ordinary user who may write to the node. On these kernels only root may send
# Identify: so the limits come from the answers that root has published.
set -eu
disk=/dev/nvme0n1
untorn=$PWD/build/untorn
chmod 666 $disk

as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
write() { # prints 16384 or the error
	as_user $untorn run -- python3 -c "
import os
fd = os.open('$disk', os.O_RDWR | os.O_DIRECT)
try: print(os.pwritev(fd, [b'u' * 16384], 65536, 0x40))
except OSError as e: print(os.strerror(e.errno))"
}
statx() { as_user $untorn run -- build/tests/vm/statx_print disk=$disk | grep -c 'mask=1' || true; }
expect() { [ "$2" = "$3" ] || { echo "$1: $2, not $3"; exit 1; }; }

expect "write, nothing published" "$(write)" "Operation not supported"
expect "statx, nothing published" "$(statx)" 0
status=0
as_user $untorn doctor $disk > "$OUT/doctor" || status=$?
[ $status != 0 ] || { echo "doctor says that it qualifies:"; cat "$OUT/doctor"; exit 1; }
grep -q "untorn publish" "$OUT/doctor" || { echo "doctor names no way out:"; cat "$OUT/doctor"; exit 1; }

$untorn publish $disk
expect "write, published" "$(write)" 16384
[ "$(statx)" -gt 5 ] || { echo "statx says nothing though published"; exit 1; }
as_user $untorn doctor $disk > "$OUT/doctor2" || { cat "$OUT/doctor2"; exit 1; }
[ "$(python3 -c "
fd = open('$disk', 'rb'); fd.seek(65536); print(fd.read(16384) == b'u' * 16384)")" = True ]

# A server opens the disk as root and becomes another user: the shim then goes on with the answers it got as root.
rm /run/untorn/*
expect "right given up" "$($untorn run -- python3 -c "
import os, time
fd = os.open('$disk', os.O_RDWR | os.O_DIRECT)
print(os.pwritev(fd, [b'v' * 16384], 65536, 0x40))
os.setuid(65534)
time.sleep(1.1)
print(os.pwritev(fd, [b'w' * 16384], 65536, 0x40))" | xargs)" "16384 16384"
$untorn publish $disk

# The shim does not believe a published file that others than root can write.
chmod 666 /run/untorn/*
expect "write, published to all comers" "$(write)" "Operation not supported"
