# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The devices of test_statx.sh, a line each: LABEL CONTROLLER-PROPERTIES;NAMESPACE-PROPERTIES[;...]
# in the notation of tests/vm/vm -d. Each controller has one namespace, so that no kernel finds two namespaces of
# a subsystem in contradiction. The last line of the first set has three namespaces, to test just that.

lba4096=logical_block_size=4096,physical_block_size=4096
controller() { echo "atomic.awun=$1,atomic.awupf=$1"; }
namespace() { echo "atomic.nawun=$1,atomic.nawupf=$1"; }

geometries_1() {
	echo "nothing ;"
	for unit in 7 15 30 31 63 255; do echo "awupf-$unit $(controller $unit);"; done
	for unit in 7 15 30 31 63; do echo "awupf-$unit-lba4096 $(controller $unit);$lba4096"; done
	echo "awupf-31-mdts1 $(controller 31),mdts=1;"
	echo "awupf-255-mdts3 $(controller 255),mdts=3;"
	echo "awupf-7-nawupf-63 $(controller 7);$(namespace 63)"
	echo "awun-only atomic.awun=63;"
	echo "three-namespaces $(controller 31);logical_block_size=512;$lba4096;logical_block_size=512"
}

geometries_2() {
	for unit in 0 7 15 30 31 63 255; do echo "nawupf-$unit ;$(namespace $unit)"; done
	for unit in 0 7 15 30 31 63; do
		echo "nawupf-$unit-lba4096 ;$lba4096,$(namespace $unit)"
	done
	echo "nawupf-255-mdts2 mdts=2;$(namespace 255)"
	echo "boundary-equal ;$(namespace 63),atomic.nabsn=63,atomic.nabspf=63"
	echo "boundary-double ;$(namespace 31),atomic.nabsn=63,atomic.nabspf=63"
	echo "boundary-not-pow2 ;$(namespace 31),atomic.nabsn=47,atomic.nabspf=47"
	echo "boundary-nabsn-only ;$(namespace 31),atomic.nabsn=63"
	echo "boundary-lba4096 ;$lba4096,$(namespace 15),atomic.nabsn=15,atomic.nabspf=15"
}

geometries_3() {
	echo "nabo ;$(namespace 31),atomic.nabsn=63,atomic.nabspf=63,atomic.nabo=8"
	echo "pi-type1 ;ms=8,pi=1,$(namespace 31)"
	echo "pi-type3 ;ms=8,pi=3,$(namespace 31)"
	echo "pi-type2 ;ms=8,pi=2,$(namespace 31)"
	echo "metadata-8 ;ms=8,$(namespace 31)"
	echo "metadata-64 ;ms=64,$(namespace 31)"
	echo "nawupf-255-lba4096 ;$lba4096,$(namespace 255)"
	echo "awupf-255-lba4096 $(controller 255);$lba4096"
}
