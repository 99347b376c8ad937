build/tests/vm/truth.o: tests/vm/truth.c include/untorn_uapi.h
include/untorn_uapi.h:
