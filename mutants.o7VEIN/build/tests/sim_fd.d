build/tests/sim_fd.o: tests/sim_fd.c tests/preload.h tests/suite.h
tests/preload.h:
tests/suite.h:
