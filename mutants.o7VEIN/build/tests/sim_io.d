build/tests/sim_io.o: tests/sim_io.c tests/preload.h tests/suite.h
tests/preload.h:
tests/suite.h:
