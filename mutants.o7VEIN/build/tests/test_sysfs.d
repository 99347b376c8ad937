build/tests/test_sysfs.o: tests/test_sysfs.c tests/suite.h shim/sysfs.h \
 tests/tables_disk.h
tests/suite.h:
shim/sysfs.h:
tests/tables_disk.h:
