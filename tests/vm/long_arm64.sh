#!/bin/bash
# SPDX-License-Identifier: MIT
# arm64 on a real kernel: Debian 12's 6.1 in QEMU. A cross compiler builds the shim, the examples and a random writer
# of the tests. pwritev2, statx, libaio and liburing: the commands in QEMU's trace must be as many as the writes. The
# guest has only an initramfs with all that it needs, because this machine's programs are not arm64's.
set -eu
. tests/vm/lib.sh
command -v aarch64-linux-gnu-gcc > /dev/null || { echo "SKIP: no cross compiler (gcc-aarch64-linux-gnu)"; exit 77; }
backports=$(printf '%s/trixie-backports ' qemu-system-arm qemu-system-common qemu-system-data)
fetched() { # ARGUMENTS OF fetch.sh
	local status=0
	tests/vm/fetch.sh "$@" || status=$?
	[ $status != 77 ] || { echo "SKIP: this machine's mirror does not have $*" >&2; exit 77; }
	return $status
}
# shellcheck disable=SC2086
qemu=$(fetched tree trixie+trixie-backports $backports) || exit
tree=$(fetched tree bookworm:arm64 linux-image-arm64 busybox-static libc6-dev libaio-dev liburing-dev) || exit
tools=$(tests/vm/fetch.sh tools)
modules=$(echo "$tree"/usr/lib/modules/*)
version=${modules##*/}

# The programs, in a build directory of their own.
cross="aarch64-linux-gnu-gcc --sysroot=$tree"
programs='examples/pwritev2 examples/statx examples/libaio examples/io_uring tests/vm/ring_random'
# shellcheck disable=SC2046,SC2086
make -s B=build-arm64 CC="$cross" CFLAGS='-O2 -g' build-arm64/libuntorn.so $(printf 'build-arm64/%s ' $programs) > "$scratch_root/made" 2>&1 ||
	{ tail "$scratch_root/made"; exit 1; }

root=$(scratch)
mkdir -p "$root"/{bin,mod,proc,sys,dev,tmp,lib}
cp "$tree/usr/bin/busybox" "$root/bin"
cp -L "$tree"/usr/lib/aarch64-linux-gnu/{ld-linux-aarch64.so.1,libc.so.6,libaio.so.1,liburing.so.2} "$root/lib"
cp build-arm64/libuntorn.so "$root/lib"
for program in $programs; do cp "build-arm64/$program" "$root/bin"; done
# In the order of loading: dependencies first.
"$tools/lib64/ld-linux-x86-64.so.2" --argv0 depmod --library-path "$tools/usr/lib/x86_64-linux-gnu" "$tools/usr/sbin/depmod" \
	-b "$tree" "$version"
sed -nE '/\/nvme\.ko[^:]*:/s/://p' "$modules/modules.dep" | tr ' ' '\n' | tac | while read -r module; do
	cp "$modules/$module" "$root/mod"
	basename "$module" >> "$root/mod/order"
done
cat > "$root/init" << 'END'
#!/bin/busybox sh
/bin/busybox mkdir -p /sbin /usr/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
while read -r module; do insmod "/mod/$module"; done < /mod/order
tries=0
until [ -b /dev/nvme0n1 ] || [ $tries = 100 ]; do sleep 0.1; tries=$((tries + 1)); done
disk=/dev/nvme0n1
under() { LD_PRELOAD=/lib/libuntorn.so "$@" 2>&1; }
echo "kernel: $(uname -mr)"
echo "without: $(pwritev2 $disk 0 16384 2>&1)"
echo "statx: $(under statx $disk)"
echo "pwritev2: $(under pwritev2 $disk 16384 16384)"
echo "refused: $(under pwritev2 $disk 512 16384)"
echo "libaio: $(under libaio $disk 16384 8)"
echo "io_uring: $(under io_uring $disk 16384 8)"
for depth in 1 8 32; do under ring_random $disk 100 $depth > /tmp/wrote || echo "ring_random: $?"; echo "random: $(wc -l < /tmp/wrote)"; done
echo "end"
poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | "$tools/usr/bin/busybox" cpio -o -H newc 2> /dev/null) > "$scratch_root/initramfs"
truncate -s 64M "$scratch_root/disk"
kernel=$scratch_root/kernel
image=$tree/boot/vmlinuz-$version
gzip -dc "$image" > "$kernel" 2> /dev/null || cp "$image" "$kernel"
timeout 400 "$tools/lib64/ld-linux-x86-64.so.2" --library-path "$qemu/usr/lib/x86_64-linux-gnu:$tools/usr/lib/x86_64-linux-gnu" \
	"$qemu/usr/bin/qemu-system-aarch64" -L "$qemu/usr/share/qemu" -nodefaults -no-user-config -machine virt -cpu cortex-a57 \
	-accel tcg -smp 2 -m 1G -display none -no-reboot -serial "file:$scratch_root/console" -kernel "$kernel" \
	-initrd "$scratch_root/initramfs" -append "console=ttyAMA0 quiet panic=-1 oops=panic" \
	-trace pci_nvme_write -D "$scratch_root/trace" \
	-drive "if=none,id=image,file=$scratch_root/disk,format=raw,cache=unsafe" -device nvme,id=c,serial=d0 \
	-device nvme-ns,bus=c,drive=image,atomic.nawun=31,atomic.nawupf=31 2> "$scratch_root/qemu" < /dev/null || true
tr -d '\r' < "$scratch_root/console" > "$scratch_root/said"
expected="without: /dev/nvme0n1: the kernel or the device has no atomic writes (try: untorn doctor)
statx: /dev/nvme0n1: atomic writes of 512 to 16384 bytes
pwritev2: 16384 bytes at 16384, all or nothing
refused: /dev/nvme0n1: length not a power of two, offset not a multiple of it, or outside the limits: untorn doctor DEVICE shows them, UNTORN_LOG=info says which
libaio: 8 writes of 16384 bytes, each all or nothing
io_uring: 8 writes of 16384 bytes, each all or nothing
random: 100
random: 100
random: 100
end"
diff <(echo "$expected") <(sed -n '/^without: /,/^end/p' "$scratch_root/said") ||
	{ tail -n 20 "$scratch_root/said" "$scratch_root/qemu"; exit 1; }
commands "$scratch_root/trace" > "$scratch_root/commands"
# 1, 8 and 8 commands of 32 blocks, then the random writer's: 100 writes of 512 << number % 6 bytes, three times.
counted=$(wc -l < "$scratch_root/commands")
[ "$counted" = $((1 + 8 + 8 + 300)) ] || { echo "$counted commands, not 317"; exit 1; }
[ "$(head -n 17 "$scratch_root/commands" | grep -c ' 32$')" = 17 ] || { head -n 17 "$scratch_root/commands"; exit 1; }
echo "$(sed -n 's/^kernel: //p' "$scratch_root/said"): 317 atomic writes, 317 commands"
