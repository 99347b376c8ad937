build/tests/preload_syscall.o: tests/preload_syscall.c tests/preload.h \
 tests/suite.h include/untorn_uapi.h
tests/preload.h:
tests/suite.h:
include/untorn_uapi.h:
