build/shim/status.o: shim/status.c shim/status.h
shim/status.h:
