build/shim/scsi.o: shim/scsi.c shim/scsi.h shim/sense.h shim/config.h \
 shim/library.h shim/real.h
shim/scsi.h:
shim/sense.h:
shim/config.h:
shim/library.h:
shim/real.h:
