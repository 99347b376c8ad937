build/shim/library.o: shim/library.c shim/library.h
shim/library.h:
