build/shim/sense.o: shim/sense.c shim/sense.h
shim/sense.h:
