build/tests/sim_nvme.o: tests/sim_nvme.c tests/preload.h tests/suite.h
tests/preload.h:
tests/suite.h:
