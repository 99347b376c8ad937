. tests/vm/guest_scsi.sh
scsi_target_start max=32 pause=20
echo $DISK $SG
build/untorn doctor $DISK | head -30
for i in 1 2 3; do build/untorn run -- python3 -c "
import os
fd = os.open('$DISK', os.O_RDWR | os.O_DIRECT)
import mmap
m = mmap.mmap(-1, 16384); m.write(b'x'*16384)
try: print(os.pwritev(fd, [m], 65536*$i, 0x40))
except OSError as e: print(os.strerror(e.errno))"; done
cat $TARGET_LOG
build/untorn run -- build/tests/vm/lengths $DISK
dd if=$DISK bs=4k count=1 skip=16 2>/dev/null | head -c 10; echo
scsi_target_stop; ls /dev/sd* 
scsi_target_start max=0 max_bndry=64 bndry=32 block=4096
build/untorn run -- build/tests/vm/lengths $DISK; cat $TARGET_LOG
cat /sys/block/*/queue/logical_block_size
