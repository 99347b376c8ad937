build/tests/vm/lengths.o: tests/vm/lengths.c include/untorn_uapi.h
include/untorn_uapi.h:
