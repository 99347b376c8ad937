build/shim/cmd_publish.o: shim/cmd_publish.c shim/cmd.h shim/cleanup.h \
 shim/config.h shim/identify.h shim/limits_nvme.h shim/limits.h \
 shim/inquiry.h shim/limits_scsi.h shim/published.h shim/sysfs.h
shim/cmd.h:
shim/cleanup.h:
shim/config.h:
shim/identify.h:
shim/limits_nvme.h:
shim/limits.h:
shim/inquiry.h:
shim/limits_scsi.h:
shim/published.h:
shim/sysfs.h:
