build/tests/test_engine.o: tests/test_engine.c shim/engine.h \
 shim/config.h shim/device.h shim/identity.h shim/limits.h \
 shim/transport.h shim/generic.h tests/suite.h tests/tables_disk.h \
 include/untorn.h include/untorn_uapi.h
shim/engine.h:
shim/config.h:
shim/device.h:
shim/identity.h:
shim/limits.h:
shim/transport.h:
shim/generic.h:
tests/suite.h:
tests/tables_disk.h:
include/untorn.h:
include/untorn_uapi.h:
