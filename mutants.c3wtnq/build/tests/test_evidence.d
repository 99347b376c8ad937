build/tests/test_evidence.o: tests/test_evidence.c shim/evidence.h \
 tests/suite.h
shim/evidence.h:
tests/suite.h:
