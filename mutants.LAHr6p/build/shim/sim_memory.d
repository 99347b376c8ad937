build/shim/sim_memory.o: shim/sim_memory.c shim/sim.h
shim/sim.h:
