build/tests/test_elf.o: tests/test_elf.c shim/cleanup.h shim/elf.h \
 tests/suite.h
shim/cleanup.h:
shim/elf.h:
tests/suite.h:
