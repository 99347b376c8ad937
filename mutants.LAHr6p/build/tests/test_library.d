build/tests/test_library.o: tests/test_library.c shim/library.h \
 tests/suite.h
shim/library.h:
tests/suite.h:
