# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the guests' scripts share.

# The first namespace of the controller with this serial number, d0, d1 ... as the harness gives
# them: newer kernels number their controllers in any order.
disk() {
	local controller
	controller=$(dirname "$(grep -l "^$1 *\$" /sys/class/nvme/nvme*/serial)")
	echo "/dev/${controller##*/}n1"
}
