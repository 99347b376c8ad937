build/tests/test_real.o: tests/test_real.c shim/cleanup.h shim/real.h \
 tests/suite.h include/untorn_uapi.h
shim/cleanup.h:
shim/real.h:
tests/suite.h:
include/untorn_uapi.h:
