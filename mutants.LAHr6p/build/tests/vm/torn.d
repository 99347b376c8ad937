build/tests/vm/torn.o: tests/vm/torn.c
