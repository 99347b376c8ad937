build/tests/sim_power.o: tests/sim_power.c tests/preload.h tests/suite.h
tests/preload.h:
tests/suite.h:
