build/tests/test_config.o: tests/test_config.c shim/config.h \
 tests/suite.h include/untorn.h
shim/config.h:
tests/suite.h:
include/untorn.h:
