#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest, in the tree of client programs: atomic writes of python to the whole disk nvme0n1 and to a partition
# of nvme1n1, without the shim and under it.
set -eu
disk=/dev/nvme0n1 parted=/dev/nvme1n1 start=2048 length=40016
untorn=build/untorn

try() { # UNTORN-COMMAND...
	"$@" python3 -c "
import os
fd = os.open('$disk', os.O_RDWR | os.O_DIRECT)
try: print(os.pwritev(fd, [bytes(16384)], 0, 0x40))
except OSError as e: print(os.strerror(e.errno))"
}

[ "$(try)" = "Operation not supported" ] || { echo "without the shim: $(try)"; exit 1; }
[ "$(try $untorn run --)" = 16384 ] || { echo "under the shim: $(try $untorn run --)"; exit 1; }
echo "0 32" > "$OUT/0.log"

# The shim loads no library into the program when it asks the disk.
[ "$($untorn run -- python3 -c "
import os
fd = os.open('$disk', os.O_RDWR | os.O_DIRECT)
assert os.pwritev(fd, [bytes(16384)], 0, 0x40) == 16384
print(sum('libnvme' in line or 'sgutils' in line for line in open('/proc/self/maps')))")" = 0 ] ||
	{ echo "a library was brought into the program"; exit 1; }
echo "0 32" >> "$OUT/0.log"

# A running program loads the shim by dlopen(), and unloads it.
python3 -c "
import ctypes, _ctypes, os
class Iovec(ctypes.Structure): _fields_ = ('base', ctypes.c_void_p), ('length', ctypes.c_size_t)
fd = os.open('$disk', os.O_RDWR | os.O_DIRECT)
memory = ctypes.create_string_buffer(20480)
iov = Iovec((ctypes.addressof(memory) + 4095) & -4096, 16384)
shim = ctypes.CDLL('$PWD/build/libuntorn.so')
assert shim.pwritev2(fd, ctypes.byref(iov), 1, ctypes.c_long(0), 0x40) == 16384
_ctypes.dlclose(shim._handle)
if os.fork() == 0: os._exit(0)
assert os.wait()[1] == 0"
echo "0 32" >> "$OUT/0.log"

build/tests/vm/addpart $parted 1 $start $length # tells the kernel, writes nothing
$untorn run -- python3 tests/vm/write_random.py $disk 1000 512 16384 0 "$OUT/1.log"
$untorn run -- python3 tests/vm/write_random.py ${parted}p1 1000 512 16384 $start "$OUT/2.log"

# A write past the partition's end fails, though the disk goes on.
$untorn run -- python3 -c "
import errno, os
fd = os.open('${parted}p1', os.O_RDWR | os.O_DIRECT)
end = os.lseek(fd, 0, os.SEEK_END)
for offset, expected in (end, errno.ENOSPC), (end // 16384 * 16384, errno.EINVAL):
    try: print(offset, os.pwritev(fd, [bytes(16384)], offset, 0x40)); raise SystemExit(1)
    except OSError as e: assert e.errno == expected, (offset, e)"
