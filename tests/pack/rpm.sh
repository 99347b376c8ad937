#!/bin/bash
# SPDX-License-Identifier: MIT
# Tests the RPM packages: builds them by Debian's rpmbuild from the source as `make dist` has it, with EL 9's macros
# written out. Checks their contents, needs and scriptlets. Then installs them by rpm --root into a fresh system, where
# a program writes atomically to the simulated disk, and erases them, which must leave nothing. tests/pack/rpm.sh, or
# make packages.
set -eu
. tests/pack/lib.sh
version=$(sed -n 's/^VERSION := //p' Makefile)
top=$roots/rpm
mkdir -p "$top/SOURCES" "$top/SPECS"
put_source "$top/untorn-$version"
tar -czf "$top/SOURCES/untorn-$version.tar.gz" -C "$top" "untorn-$version"
sed "s/@VERSION@/$version/" shim/share/untorn.spec.in > "$top/SPECS/untorn.spec"
# Debian has no database of RPMs for BuildRequires, and its directories differ from EL's.
el=(--define "_topdir $top" --define '_libdir /usr/lib64' --define 'dist .test' --define '_build_id_links none'
	--define 'debug_package %{nil}' --dbpath "$top/db")
quietly "rpmbuild" rpmbuild -bb --nodeps "${el[@]}" "$top/SPECS/untorn.spec"
packages=("$top"/RPMS/*/*.rpm)
[ ${#packages[@]} = 3 ] || { echo "not three packages: ${packages[*]}"; exit 1; }
one() { echo "$top"/RPMS/*/"untorn${1:+-$1}-$version"-*.rpm; }
same() { diff <(echo "$2" | sort) <(echo "$3" | sort) || { echo "FAILED $1: < wanted, > there"; exit 1; }; }

same "the headers' package" "/usr/include/untorn.h
/usr/include/untorn_uapi.h
/usr/lib64/pkgconfig/untorn.pc" "$(rpm -qpl "$(one devel)")"
same "the simulated disk's" "/usr/lib64/untorn
/usr/lib64/untorn/libuntorn-sim.so
/usr/share/man/man7/libuntorn-sim.7" "$(rpm -qpl "$(one sim)" | sed 's/\.gz$//')"
files=$(rpm -qpl "$(one)" | sed 's/\.gz$//') # EL compresses manual pages, Debian's rpmbuild does not
for file in /usr/bin/untorn /usr/lib64/untorn/libuntorn.so /usr/lib/systemd/system/untorn-publish@.service \
	/usr/lib/udev/rules.d/60-untorn.rules /usr/share/bash-completion/completions/untorn.bash \
	/usr/share/zsh/site-functions/_untorn $(cd man && printf '/usr/share/man/man%s\n' $(ls | sed -nE '/libuntorn-sim/d; s,(.*\.)([0-9])$,\2/\1\2,p')); do
	grep -qx "$file" <<< "$files" || { echo "not there: $file"; exit 1; }
done
# EL 9 and Amazon Linux 2023 have these: the C library, json-c, libblkid; libnvme if the build used it.
needs=$(rpm -qp --requires "$(one)" | sed -E 's/\(.*//; s/ .*//' | sort -u | grep -v '^rpmlib$\|^rtld$\|^/bin/sh$\|^ld-linux')
same "what it needs" "$(printf '%s\n' libblkid.so.1 libc.so.6 libjson-c.so.5 libnvme.so.1)" "$needs"
[ "$(rpm -qp --requires "$(one sim)" | grep -c '^lib' | tr -d ' ')" -gt 0 ]
rpm -qp --scripts "$(one)" > "$top/scripts"
grep -q 'untorn publish' "$top/scripts" && grep -q 'rm -rf /run/untorn' "$top/scripts" && ! grep '%' "$top/scripts"
grep -q 'ExecStart=/usr/bin/untorn publish' <(rpm2cpio "$(one)" | cpio -i --to-stdout --quiet '*untorn-publish@.service')
echo "built: $(cd "$top"/RPMS && echo */*.rpm)"

new_root el bookworm libjson-c5 libblkid1 libnvme1
everything() { find "$roots/el" -xdev \( -path "$roots/el/var/lib/rpm" -o -path "$roots/el/tmp" \) -prune -o -print | sort; }
in_root=(rpm --root "$roots/el" --dbpath /var/lib/rpm --nodeps)
# Makes the folders that EL's own packages have.
mkdir -p "$roots/el"/{var/lib/rpm,usr/lib64/pkgconfig,usr/share/licenses,usr/share/zsh/site-functions}
everything > "$top/before"
quietly "rpm -i" "${in_root[@]}" -i "$(one)" "$(one sim)" "$(one devel)"
[ "$(inside el untorn --version)" = "untorn $version" ]
cp build/examples/pwritev2 "$roots/el/tmp"
inside el sh -c 'untorn run --sim=/dev/sim0n1=/tmp/image,nawupf=31,log=/tmp/log -- /tmp/pwritev2 /dev/sim0n1 0 16384' > "$top/said"
grep -q 'all or nothing' "$top/said" && grep -qx 'write slba=0 nlb=32 fua=0 via=submit' "$roots/el/tmp/log"
quietly "rpm -e" "${in_root[@]}" -e untorn untorn-sim untorn-devel
everything > "$top/after"
diff "$top/before" "$top/after" || { echo "FAILED: erasing left that"; exit 1; }
echo "installed by rpm, ran, erased, nothing left"
