build/examples/pwritev2.o: examples/pwritev2.c include/untorn_uapi.h
include/untorn_uapi.h:
