build/tests/vm/fences.o: tests/vm/fences.c include/untorn_uapi.h
include/untorn_uapi.h:
