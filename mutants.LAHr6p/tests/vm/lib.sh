# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the tests of this folder share. They run on the host, from the top of the source.

scratch_root=$(mktemp -d)
trap 'rm -rf "$scratch_root"' EXIT

scratch() { mktemp -d -p "$scratch_root"; }

# As tests/vm/vm, but a machine that cannot be had ends the test as skipped.
vm() {
	local status=0
	tests/vm/vm "$@" || status=$?
	[ $status != 77 ] || { echo "SKIP: no QEMU or kernel from this machine's mirror"; exit 77; }
	return $status
}

# The Write commands in a trace of QEMU's, as "LBA BLOCKS" a line.
commands() {
	sed -nE 's/.*pci_nvme_write .* nlb ([0-9]+) .* lba (0x[0-9a-f]+|[0-9]+).*/\2 \1/p' "$1" |
		while read -r lba blocks; do echo "$((lba)) $blocks"; done
}

# Two lists of outcomes of the same calls, in $out.
same() { # NATIVE SHIM
	diff -a "$out/$1" "$out/$2" > "$out/diff" ||
		{ head -40 "$out/diff"; echo "$2 differs from $1"; exit 1; }
}
