build/tests/test_transport_nvme.o: tests/test_transport_nvme.c \
 tests/suite.h shim/transport.h shim/generic.h shim/limits.h
tests/suite.h:
shim/transport.h:
shim/generic.h:
shim/limits.h:
