build/tests/test_identify.o: tests/test_identify.c shim/config.h \
 shim/identify.h shim/limits_nvme.h shim/config.h shim/limits.h \
 shim/published.h tests/suite.h shim/transport.h shim/generic.h
shim/config.h:
shim/identify.h:
shim/limits_nvme.h:
shim/config.h:
shim/limits.h:
shim/published.h:
tests/suite.h:
shim/transport.h:
shim/generic.h:
