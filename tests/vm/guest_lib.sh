# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Shared by the guests' scripts.

# The first namespace of the controller with this serial number: tests/vm/vm gives d0, d1 ... in order. Newer kernels
# number their controllers in any order.
disk() {
	local controller
	controller=$(dirname "$(grep -l "^$1 *\$" /sys/class/nvme/nvme*/serial)")
	echo "/dev/${controller##*/}n1"
}
