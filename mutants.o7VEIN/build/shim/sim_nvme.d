build/shim/sim_nvme.o: shim/sim_nvme.c shim/sim.h shim/sim_next.h
shim/sim.h:
shim/sim_next.h:
