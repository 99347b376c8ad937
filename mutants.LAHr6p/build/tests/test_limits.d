build/tests/test_limits.o: tests/test_limits.c shim/limits.h \
 tests/suite.h
shim/limits.h:
tests/suite.h:
