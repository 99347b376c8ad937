build/tests/preload.o: tests/preload.c tests/preload.h tests/suite.h \
 include/untorn_uapi.h
tests/preload.h:
tests/suite.h:
include/untorn_uapi.h:
