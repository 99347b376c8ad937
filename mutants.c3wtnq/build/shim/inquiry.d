build/shim/inquiry.o: shim/inquiry.c shim/inquiry.h shim/limits_scsi.h \
 shim/limits.h shim/cleanup.h shim/generic.h shim/scsi.h shim/sense.h \
 shim/sysfs.h
shim/inquiry.h:
shim/limits_scsi.h:
shim/limits.h:
shim/cleanup.h:
shim/generic.h:
shim/scsi.h:
shim/sense.h:
shim/sysfs.h:
