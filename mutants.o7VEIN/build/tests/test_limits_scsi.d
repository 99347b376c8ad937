build/tests/test_limits_scsi.o: tests/test_limits_scsi.c \
 shim/limits_scsi.h shim/limits.h tests/suite.h
shim/limits_scsi.h:
shim/limits.h:
tests/suite.h:
