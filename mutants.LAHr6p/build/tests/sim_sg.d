build/tests/sim_sg.o: tests/sim_sg.c tests/sim_call.h tests/preload.h \
 tests/suite.h
tests/sim_call.h:
tests/preload.h:
tests/suite.h:
