build/tests/test_transport_scsi.o: tests/test_transport_scsi.c \
 tests/suite.h shim/transport.h shim/generic.h shim/limits.h
tests/suite.h:
shim/transport.h:
shim/generic.h:
shim/limits.h:
