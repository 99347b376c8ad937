build/tests/test_cmd_program.o: tests/test_cmd_program.c shim/cleanup.h \
 shim/cmd_program.h tests/suite.h
shim/cleanup.h:
shim/cmd_program.h:
tests/suite.h:
