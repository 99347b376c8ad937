#!/bin/bash
# SPDX-License-Identifier: MIT
# Refuses an include that goes up: tests/layers.sh "ROOMS OF FLOOR 1" "ROOMS OF FLOOR 2" ...
# A room may include headers of its own floor or of a lower one. Every file must be on a floor.
set -u
declare -A floor
number=0 bad=0
for rooms; do
	number=$((number + 1))
	for room in $rooms; do floor[$room]=$number; done
done
for file in shim/*/*.[ch]; do
	room=$(basename "${file%.[ch]}")
	case $room in sim*) continue ;; esac
	[ -n "${floor[$room]:-}" ] || { echo "$file is on no floor"; bad=1; continue; }
	while read -r header; do
		below=${floor[${header%.h}]:-}
		[ -z "$below" ] || [ "$below" -le "${floor[$room]}" ] ||
			{ echo "$file (floor ${floor[$room]}) includes $header (floor $below)"; bad=1; }
	done < <(sed -nE 's/^#include "([^"]+)"$/\1/p' "$file")
done
for file in shim/sim/*.[ch]; do
	[ -e "$file" ] || continue
	if grep -nE '^#include "' "$file" | grep -vE '"(sim[a-z_]*|untorn_uapi)\.h"'; then
		echo "$file: the simulated disk shares nothing with the shim"
		bad=1
	fi
done
exit $bad
