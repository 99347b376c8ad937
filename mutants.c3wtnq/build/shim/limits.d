build/shim/limits.o: shim/limits.c shim/limits.h
shim/limits.h:
