. tests/vm/guest_scsi.sh; . tests/vm/guest_lib.sh
scsi_target_start max=32 pause=20
time build/tests/vm/torn $DISK 16384 2000 0
time build/untorn run -- build/tests/vm/torn $DISK 16384 10000 0x40
echo nvme; d=$(disk d0)
time build/tests/vm/torn $d 32768 10000 0
time build/tests/vm/torn $d 16384 10000 0
time build/untorn run -- build/tests/vm/torn $d 16384 10000 0x40
