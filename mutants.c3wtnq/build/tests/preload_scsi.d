build/tests/preload_scsi.o: tests/preload_scsi.c tests/preload.h \
 tests/suite.h include/untorn_uapi.h
tests/preload.h:
tests/suite.h:
include/untorn_uapi.h:
