build/shim/transport_scsi.o: shim/transport_scsi.c shim/cache.h \
 shim/cleanup.h shim/inquiry.h shim/limits_scsi.h shim/limits.h \
 shim/published.h shim/scsi.h shim/sense.h shim/transport.h \
 shim/generic.h
shim/cache.h:
shim/cleanup.h:
shim/inquiry.h:
shim/limits_scsi.h:
shim/limits.h:
shim/published.h:
shim/scsi.h:
shim/sense.h:
shim/transport.h:
shim/generic.h:
