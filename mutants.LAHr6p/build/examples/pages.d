build/examples/pages.o: examples/pages.c include/untorn_uapi.h
include/untorn_uapi.h:
