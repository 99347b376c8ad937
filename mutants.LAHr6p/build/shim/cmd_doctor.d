build/shim/cmd_doctor.o: shim/cmd_doctor.c shim/cmd.h shim/cmd_examine.h \
 shim/device.h shim/identity.h shim/limits.h shim/transport.h \
 shim/generic.h shim/evidence.h shim/limits_nvme.h shim/config.h \
 shim/limits_scsi.h shim/engine.h shim/published.h shim/real.h \
 include/untorn.h include/untorn_uapi.h
shim/cmd.h:
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
shim/published.h:
shim/real.h:
include/untorn.h:
include/untorn_uapi.h:
