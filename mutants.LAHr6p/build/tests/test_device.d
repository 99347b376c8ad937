build/tests/test_device.o: tests/test_device.c shim/device.h \
 shim/identity.h shim/limits.h shim/transport.h shim/generic.h \
 tests/suite.h tests/tables_disk.h
shim/device.h:
shim/identity.h:
shim/limits.h:
shim/transport.h:
shim/generic.h:
tests/suite.h:
tests/tables_disk.h:
