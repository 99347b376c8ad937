build/tests/test_generic.o: tests/test_generic.c shim/generic.h \
 tests/suite.h
shim/generic.h:
tests/suite.h:
