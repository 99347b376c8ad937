#!/bin/bash
# SPDX-License-Identifier: MIT
# Fails if a file includes a header of a higher floor: tests/layers.sh DIRECTORY
# A folder is a floor. A file may include headers of its own folder and of the floors listed for it here. The
# command's folders may not include async and door; the simulated disk includes only its own headers.
set -u
cd "$1" || exit
shared='untorn|untorn_uapi'
below_base=''
below_rules='base'
below_device="$below_rules|rules"
below_engine="$below_device|device"
below_stack="$below_device|device"
below_async="$below_engine|engine"
below_door="$below_async|async"
below_command="$below_async"
below_doctor="$below_command|stack|command"
below_verify="$below_doctor|doctor"
below_run="$below_command|command"
below_report="$below_command|command"
below_sim=''
below_sim_doors='sim'
bad=0
for file in */*.[ch]; do
	[ -e "$file" ] || continue
	folder=${file%%/*} allowed=below_${file%%/*}
	[ -n "${!allowed+set}" ] || { echo "$file: $folder is no floor"; bad=1; continue; }
	while read -r header; do
		echo "$file includes $header, which is above it or apart"
		bad=1
	done < <(sed -nE 's/^[ \t]*#[ \t]*include "([^"]+)".*/\1/p' "$file" |
		grep -vE "^(($shared)\.h|($folder${!allowed:+|${!allowed}})/[a-z_0-9]+\.h)$")
done
for file in *.[ch]; do
	[ ! -e "$file" ] || { echo "$file: belongs into a folder"; bad=1; }
done
exit $bad
