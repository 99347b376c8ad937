#!/bin/bash
# SPDX-License-Identifier: MIT
# untorn doctor --page=16k of files, volumes and disks (guest_stacks.sh): its answer must agree with the commands that
# plain direct writes become in QEMU's trace. "yes": as many commands of 16 KiB as writes. "no": fewer.
# UNTORN_STACKS_KERNELS: which kernels (6.1; make check-long: 7). UNTORN_STACKS_TABLE=1 prints all rows.
set -eu
. tests/vm/lib.sh
WRITES=768
disk='160M;;atomic.nawun=31,atomic.nawupf=31'
for kernel in ${UNTORN_STACKS_KERNELS:-6.1}; do
	out=$(scratch)
	vm -k $kernel -c -T -t 600 -o "$out" -d "512M${disk#160M}" -d "$disk" -d "$disk,atomic.nabsn=31,atomic.nabspf=31" -d '16M' -- \
		"PATH=\$PATH:/usr/sbin:/sbin; bash tests/vm/guest_stacks.sh"
	commands "$out/trace" > "$out/commands"
	# Counts the commands of 32 blocks, and all commands, after each mark; LBA / 7 is the mark's number.
	awk '$2 == 7 { mark = $1 / 7; next } $2 == 32 { whole[mark]++ } { all[mark]++ }
		END { for (m in all) print m, whole[m] + 0, all[m] }' "$out/commands" | sort -n > "$out/counts"
	rows=0 bad=0
	while IFS='|' read -r number name wanted verdict said; do
		counted=$(awk -v m="$number" '$1 == m { print $2, $3 }' "$out/counts")
		whole=${counted% *}
		case $wanted:$verdict in
		yes:0) [ -z "$counted" ] || [ "$whole" = $WRITES ] || bad=1 ;;
		no:1) [ -n "$counted" ] && [ "$whole" -lt $WRITES ] || bad=1 ;;
		unproven:1) ;;
		*) bad=1 ;;
		esac
		[ $bad = 0 ] && [ -z "${UNTORN_STACKS_TABLE:-}" ] ||
			echo "$kernel | $name | ${said#*this path: } | ${counted:-nothing written} of $WRITES"
		[ $bad = 0 ] || { echo "kernel $kernel, $name: wanted $wanted"; exit 1; }
		rows=$((rows + 1))
	done < "$out/judged"
	[ $rows -ge 30 ] || { echo "kernel $kernel: $rows stacks"; exit 1; }
	echo "kernel $kernel: $rows stacks, judged as the disk saw it"
done
