build/shim/evidence.o: shim/evidence.c shim/evidence.h
shim/evidence.h:
