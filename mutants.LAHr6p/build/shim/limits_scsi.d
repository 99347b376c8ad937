build/shim/limits_scsi.o: shim/limits_scsi.c shim/limits_scsi.h \
 shim/limits.h
shim/limits_scsi.h:
shim/limits.h:
