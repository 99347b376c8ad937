build/tests/test_cache.o: tests/test_cache.c shim/cache.h shim/limits.h \
 tests/suite.h tests/tables_disk.h include/untorn_uapi.h
shim/cache.h:
shim/limits.h:
tests/suite.h:
tests/tables_disk.h:
include/untorn_uapi.h:
