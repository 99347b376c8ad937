build/shim/cmd_examine_scsi.o: shim/cmd_examine_scsi.c shim/cmd_examine.h \
 shim/device.h shim/identity.h shim/limits.h shim/transport.h \
 shim/generic.h shim/evidence.h shim/limits_nvme.h shim/config.h \
 shim/limits_scsi.h shim/inquiry.h shim/scsi.h shim/sense.h
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
shim/inquiry.h:
shim/scsi.h:
shim/sense.h:
