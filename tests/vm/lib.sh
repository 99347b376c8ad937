# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Included by the tests of this folder, which run on the host, from the top of the source.

scratch_root=$(mktemp -d)
trap 'rm -rf "$scratch_root"' EXIT

scratch() { mktemp -d -p "$scratch_root"; }

# As tests/vm/vm; but if there is no QEMU or kernel, the test ends as skipped.
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

# Compares two lists of outcomes of the same calls, in $out.
same() { # NATIVE SHIM
	diff -a "$out/$1" "$out/$2" > "$out/diff" ||
		{ head -40 "$out/diff"; echo "$2 differs from $1"; exit 1; }
}

# The truth machine, for test_truth.sh and long_truth_scsi.sh: RUN KERNEL OUTPUT CALLS CALLS COMMAND... leaves
# OUTPUT.matrix, .disk and .partition in $out.
# UNTORN_TRUTH_LONG=1: 6.12 too, and random calls for four times as long, from another seed.
truth_long=${UNTORN_TRUTH_LONG:-0}
truth_seconds=${UNTORN_TRUTH_SECONDS:-$((${truth_default:-8} * (truth_long ? 4 : 1)))}
truth_seed=${UNTORN_TRUTH_SEED:-$((1 + truth_long))} out=$(scratch)

truth_calls() { wc -l < "$out/native-7.$1"; }

# A shim makes the first 1/truth_share of the random calls.
truth_share=1
truth_some() { echo $(($(truth_calls "$1") / truth_share)); }

# A polled ring gets a completion only by message, which 5.10 does not know. With SQPOLL a kernel thread takes
# published entries that the shim does not see, and a kernel before 6.11 refuses them.
truth_compare() { # OUTPUT
	local part left_out='no such door' lines
	case $1 in
	*-5.10) left_out='(ring-iopoll|raw-sqpoll)' ;;
	*-6.1) left_out=raw-sqpoll ;;
	esac
	for part in matrix disk partition; do
		lines=$(truth_some $part)
		[ $part = matrix ] && lines=$(truth_calls matrix)
		head -n "$lines" "$out/native-7.$part" | sed -E "/ $left_out /d" > "$out/native.$part"
		sed -E -i "/ $left_out /d" "$out/$1.$part"
		same native.$part "$1.$part"
	done
	echo "$1: as native"
}

truth_shim() { # RUN KERNEL OUTPUT COMMAND...
	"$1" "$2" "$3" "$(truth_some disk)" "$(truth_some partition)" "${@:4}"
	truth_compare "$3"
}

# The first kernel determines how many random calls fit into the time; the others make the same calls.
truth_native() { # RUN
	"$1" 7 native-7 $((truth_seconds / 2))s $(((truth_seconds + 1) / 2))s env
	[ "$(truth_calls matrix)" -ge 4306 ] && [ "$(truth_calls disk)" -gt 100 ] ||
		{ echo "hardly a call was made"; exit 1; }
	[ "$truth_long" = 0 ] || truth_shim "$1" 6.12 native-6.12 env
}

truth_said() {
	echo "$(truth_calls matrix) calls of the matrix, $(truth_calls disk) random ones on the disk and" \
		"$(truth_calls partition) on a partition, on each kernel: no difference"
}
