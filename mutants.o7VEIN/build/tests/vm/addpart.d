build/tests/vm/addpart.o: tests/vm/addpart.c
