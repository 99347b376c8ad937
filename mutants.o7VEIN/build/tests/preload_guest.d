build/tests/preload_guest.o: tests/preload_guest.c tests/preload.h \
 tests/suite.h include/untorn_uapi.h
tests/preload.h:
tests/suite.h:
include/untorn_uapi.h:
