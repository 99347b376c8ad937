build/tests/sim_admin.o: tests/sim_admin.c tests/preload.h tests/suite.h
tests/preload.h:
tests/suite.h:
