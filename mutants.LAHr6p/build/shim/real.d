build/shim/real.o: shim/real.c shim/real.h
shim/real.h:
