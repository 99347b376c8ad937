build/tests/test_status.o: tests/test_status.c shim/status.h \
 tests/suite.h
shim/status.h:
tests/suite.h:
