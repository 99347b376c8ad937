build/tests/test_request.o: tests/test_request.c tests/identify_page.h \
 shim/limits_nvme.h shim/config.h shim/limits.h shim/request.h \
 tests/suite.h include/untorn_uapi.h
tests/identify_page.h:
shim/limits_nvme.h:
shim/config.h:
shim/limits.h:
shim/request.h:
tests/suite.h:
include/untorn_uapi.h:
