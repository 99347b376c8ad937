build/tests/test_cmd_preload.o: tests/test_cmd_preload.c shim/cleanup.h \
 shim/cmd_preload.h tests/suite.h
shim/cleanup.h:
shim/cmd_preload.h:
tests/suite.h:
