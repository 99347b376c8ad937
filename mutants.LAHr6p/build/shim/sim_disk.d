build/shim/sim_disk.o: shim/sim_disk.c shim/sim.h shim/sim_next.h
shim/sim.h:
shim/sim_next.h:
