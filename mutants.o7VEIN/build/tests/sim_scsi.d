build/tests/sim_scsi.o: tests/sim_scsi.c tests/sim_call.h tests/preload.h \
 tests/suite.h
tests/sim_call.h:
tests/preload.h:
tests/suite.h:
