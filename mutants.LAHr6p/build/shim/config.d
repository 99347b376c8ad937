build/shim/config.o: shim/config.c shim/config.h include/untorn.h
shim/config.h:
include/untorn.h:
