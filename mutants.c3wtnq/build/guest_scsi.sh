modprobe() { chroot $TOOLS /sbin/modprobe "$@"; }
scsi_debug_start() { modprobe sg; modprobe scsi_debug "$@"; for i in $(seq 100); do d=$(ls -d /sys/bus/pseudo/drivers/scsi_debug/adapter*/host*/target*/*/block/* 2>/dev/null | head -1); [ -n "$d" ] && break; sleep .05; done; DISK=/dev/${d##*/}; for i in $(seq 100); do [ -b $DISK ] && break; sleep .02; done; }
scsi_debug_stop() { for i in $(seq 100); do modprobe -r scsi_debug 2>/dev/null && break; sleep .05; done; }
