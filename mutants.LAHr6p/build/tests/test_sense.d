build/tests/test_sense.o: tests/test_sense.c shim/sense.h tests/suite.h
shim/sense.h:
tests/suite.h:
