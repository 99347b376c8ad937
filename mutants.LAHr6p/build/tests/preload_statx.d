build/tests/preload_statx.o: tests/preload_statx.c tests/preload.h \
 tests/suite.h include/untorn_uapi.h
tests/preload.h:
tests/suite.h:
include/untorn_uapi.h:
