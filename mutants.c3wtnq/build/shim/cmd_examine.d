build/shim/cmd_examine.o: shim/cmd_examine.c shim/cmd_examine.h \
 shim/device.h shim/identity.h shim/limits.h shim/transport.h \
 shim/generic.h shim/evidence.h shim/limits_nvme.h shim/config.h \
 shim/limits_scsi.h shim/engine.h shim/sysfs.h
shim/cmd_examine.h:
shim/device.h:
shim/identity.h:
shim/limits.h:
shim/transport.h:
shim/generic.h:
shim/evidence.h:
shim/limits_nvme.h:
shim/config.h:
shim/limits_scsi.h:
shim/engine.h:
shim/sysfs.h:
