build/examples/statx.o: examples/statx.c include/untorn_uapi.h
include/untorn_uapi.h:
