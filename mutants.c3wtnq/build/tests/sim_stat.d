build/tests/sim_stat.o: tests/sim_stat.c tests/preload.h tests/suite.h
tests/preload.h:
tests/suite.h:
