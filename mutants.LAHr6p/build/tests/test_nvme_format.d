build/tests/test_nvme_format.o: tests/test_nvme_format.c \
 tests/identify_page.h shim/limits_nvme.h shim/config.h shim/limits.h \
 tests/suite.h
tests/identify_page.h:
shim/limits_nvme.h:
shim/config.h:
shim/limits.h:
tests/suite.h:
