build/tests/test_limits_nvme.o: tests/test_limits_nvme.c \
 tests/identify_page.h shim/limits_nvme.h shim/config.h shim/limits.h \
 tests/suite.h tests/tables_geometry.h
tests/identify_page.h:
shim/limits_nvme.h:
shim/config.h:
shim/limits.h:
tests/suite.h:
tests/tables_geometry.h:
