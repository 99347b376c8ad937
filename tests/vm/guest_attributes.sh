#!/bin/bash
# SPDX-License-Identifier: MIT
# In the guest: guest_attributes.sh DISK COMMAND... (untorn run). Tests that programs of many kinds find the disk's
# files queue/atomic_write_* by each path and call, that the files say the same as statx(), and that writes succeed
# and fail as the files say (the steps of blktests' tests of atomic writes).
set -eu
disk=$1 name=${1#/dev/}
shift
command=("$(realpath "$(command -v "$1")")" "${@:2}") # there is a cd below
failed=0
expect() { [ "$2" = "$3" ] || { echo "FAILED $1: '$2', not '$3'"; failed=1; }; }
files='atomic_write_boundary_bytes atomic_write_max_bytes atomic_write_unit_max_bytes atomic_write_unit_min_bytes'
queue=/sys/block/$name/queue
[ -b "${disk}1" ] || [ -b "${disk}p1" ] || build/tests/vm/addpart "$disk" 1 2048 4096
part=$(basename /sys/block/"$name/$name"*1)

# Each tool has its own way of opening a file.
values() { "${command[@]}" cat "$1"/atomic_write_{max,unit_min,unit_max,boundary}_bytes | xargs; }
wanted=$(values "$queue")
echo "$name: $wanted"
for path in "/sys/class/block/$name/queue" "$(readlink -f "/sys/block/$name")/queue" "/sys/class/block/$part/../queue" \
	"/sys/dev/block/$(cat "/sys/block/$name/dev")/queue"; do
	expect "$path" "$(values "$path")" "$wanted"
done
expect "relative" "$(cd "$queue" && "${command[@]}" cat atomic_write_max_bytes)" "${wanted%% *}"
# shellcheck disable=SC2016 # the started shells expand it
expect "bash" "$("${command[@]}" bash -c 'echo $(< "$0")' "$queue/atomic_write_max_bytes")" "${wanted%% *}"
expect "sed, grep" "$("${command[@]}" sed 's/^/=/' "$queue/atomic_write_max_bytes")" "=${wanted%% *}"
# shellcheck disable=SC2016
expect "test" "$("${command[@]}" bash -c '[ -e $0 ] && [ -r $0 ] && [ -f $0 ] && [ -s $0 ] && echo yes' "$queue/atomic_write_max_bytes")" yes
expect "stat" "$("${command[@]}" stat -c '%a %F' "$queue/atomic_write_max_bytes")" "444 regular file"
expect "ls" "$("${command[@]}" ls "$queue" | grep ^atomic_ | xargs)" "$files"
expect "ls, once" "$("${command[@]}" ls "$queue" | sort | uniq -d)" ""
# shellcheck disable=SC2016
expect "bash, a pattern" "$("${command[@]}" bash -c 'cd "$0" && echo atomic_write_*' "$queue")" "$files"
expect "find" "$("${command[@]}" find "$queue" -maxdepth 1 -name 'atomic_*' | wc -l)" 4
expect "elsewhere" "$("${command[@]}" cat "/sys/block/$name/atomic_write_max_bytes" /tmp/atomic_write_max_bytes 2>&1 | grep -c 'No such file')" 2
expect "for writing" "$("${command[@]}" bash -c 'echo 1 > "$0"' "$queue/atomic_write_max_bytes" 2>&1 | grep -c 'Permission denied')" 1
expect "off" "$(UNTORN_MODE=off "${command[@]}" bash -c '[ -e $0 ] && echo there' "$queue/atomic_write_max_bytes" || true)" \
	"$([ ! -e "$queue/atomic_write_max_bytes" ] || echo there)"

"${command[@]}" python3 - "$disk" "$queue" << 'END' || failed=1
import ctypes, errno, mmap, os, subprocess, sys
disk, queue = sys.argv[1:]
names = "max", "unit_min", "unit_max", "boundary"
value = {n: int(open(f"{queue}/atomic_write_{n}_bytes").read()) for n in names}
folder = os.open(queue, os.O_RDONLY)
assert os.read(os.open("atomic_write_max_bytes", os.O_RDONLY, dir_fd=folder), 99) == b"%d\n" % value["max"]
assert os.stat("atomic_write_max_bytes", dir_fd=folder).st_mode == os.stat("logical_block_size", dir_fd=folder).st_mode
assert sum(n.startswith("atomic_write_") for n in os.listdir(queue)) == 4
assert sum(n.startswith("atomic_write_") for n in os.listdir(folder)) == 4 # twice: the second call reads the same open folder again
assert sum(n.startswith("atomic_write_") for n in os.listdir(folder)) == 4
lowest = os.open("/dev/null", os.O_RDONLY); os.close(lowest)
fd = os.open(f"{queue}/atomic_write_max_bytes", os.O_RDONLY)
assert fd == lowest and not os.get_inheritable(fd); os.close(fd)
libc = ctypes.CDLL(None, use_errno=True)
libc.fopen.restype = libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
file, text = ctypes.c_void_p(libc.fopen(f"{queue}/atomic_write_max_bytes".encode(), b"re")), ctypes.create_string_buffer(99)
assert libc.fileno(file) == lowest and not os.get_inheritable(lowest)
assert libc.fgets(text, 99, file) and text.value == b"%d\n" % value["max"] and libc.fclose(file) == 0
stream = ctypes.c_void_p(libc.opendir(queue.encode()))
def listed():
    n = 0
    while entry := libc.readdir(stream):
        n += ctypes.string_at(entry + 19).startswith(b"atomic_write_")
    return n
assert listed() == 4 and listed() == 0
libc.rewinddir(stream)
assert listed() == 4 and libc.closedir(stream) == 0
streams = [ctypes.c_void_p(libc.opendir(queue.encode())) for i in range(40)]
for stream in streams: # the C library's own functions close a folder past the shim, and some programs never do
    assert listed() == 4
    os.close(libc.dirfd(stream))
streams = [ctypes.c_void_p(libc.opendir(queue.encode())) for i in range(2)]
names = [[], []]
for i in [0, 1] * 99: # two folders in turns
    if entry := libc.readdir(streams[i]):
        names[i].append(ctypes.string_at(entry + 19))
assert names[0] == names[1] and sum(n.startswith(b"atomic_write_") for n in names[0]) == 4, names
try: os.open(f"{queue}/atomic_write_max_bytes", os.O_RDWR); sys.exit("open for writing")
except PermissionError: pass
said = subprocess.run(["build/tests/vm/statx_print", "d=" + disk], capture_output=True, text=True).stdout
assert f"min={value['unit_min']} max={value['unit_max']} " in said, said
assert value["unit_max"] <= value["max"] and value["unit_min"] > 0
fd, page = os.open(disk, os.O_RDWR | os.O_DIRECT), mmap.mmap(-1, 2 * value["unit_max"])
def write(length, offset):
    try: return os.pwritev(fd, [memoryview(page)[:length]], offset, 0x40)
    except OSError as e: return -e.errno
length = value["unit_min"]
while length <= value["unit_max"]:
    assert write(length, length) == length, length
    length *= 2
assert write(length, 0) == -errno.EINVAL and write(value["unit_max"], value["unit_min"]) == -errno.EINVAL
END
[ $failed = 0 ]
