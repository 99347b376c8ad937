build/tests/test_published.o: tests/test_published.c \
 tests/identify_page.h shim/limits_nvme.h shim/config.h shim/limits.h \
 shim/published.h tests/suite.h shim/sysfs.h tests/tables_disk.h
tests/identify_page.h:
shim/limits_nvme.h:
shim/config.h:
shim/limits.h:
shim/published.h:
tests/suite.h:
shim/sysfs.h:
tests/tables_disk.h:
