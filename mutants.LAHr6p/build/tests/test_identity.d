build/tests/test_identity.o: tests/test_identity.c shim/identity.h \
 tests/suite.h shim/sysfs.h tests/tables_disk.h
shim/identity.h:
tests/suite.h:
shim/sysfs.h:
tests/tables_disk.h:
