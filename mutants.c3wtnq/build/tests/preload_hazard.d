build/tests/preload_hazard.o: tests/preload_hazard.c tests/preload.h \
 tests/suite.h include/untorn_uapi.h
tests/preload.h:
tests/suite.h:
include/untorn_uapi.h:
