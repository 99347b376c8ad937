build/shim/device.o: shim/device.c shim/device.h shim/identity.h \
 shim/limits.h shim/transport.h shim/generic.h shim/identify.h \
 shim/limits_nvme.h shim/config.h shim/real.h shim/scsi.h shim/sense.h \
 shim/sysfs.h include/untorn_uapi.h
shim/device.h:
shim/identity.h:
shim/limits.h:
shim/transport.h:
shim/generic.h:
shim/identify.h:
shim/limits_nvme.h:
shim/config.h:
shim/real.h:
shim/scsi.h:
shim/sense.h:
shim/sysfs.h:
include/untorn_uapi.h:
