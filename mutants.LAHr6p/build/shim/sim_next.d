build/shim/sim_next.o: shim/sim_next.c shim/sim_next.h
shim/sim_next.h:
