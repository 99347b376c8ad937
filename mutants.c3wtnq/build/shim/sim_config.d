build/shim/sim_config.o: shim/sim_config.c shim/sim.h
shim/sim.h:
