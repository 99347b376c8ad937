. tests/vm/guest_scsi.sh; . tests/vm/guest_lib.sh
scsi_target_start max=32
build/untorn run -- build/truth_dbg $DISK 16384 0 0
echo NVME; build/untorn run -- build/truth_dbg $(disk d0) 16384 0 0
