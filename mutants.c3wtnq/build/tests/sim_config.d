build/tests/sim_config.o: tests/sim_config.c tests/preload.h \
 tests/suite.h
tests/preload.h:
tests/suite.h:
