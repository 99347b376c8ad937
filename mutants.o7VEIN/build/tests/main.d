build/tests/main.o: tests/main.c tests/suite.h
tests/suite.h:
