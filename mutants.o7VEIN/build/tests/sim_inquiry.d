build/tests/sim_inquiry.o: tests/sim_inquiry.c tests/sim_call.h \
 tests/preload.h tests/suite.h
tests/sim_call.h:
tests/preload.h:
tests/suite.h:
