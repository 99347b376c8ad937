build/shim/sim_node.o: shim/sim_node.c shim/sim.h shim/sim_next.h
shim/sim.h:
shim/sim_next.h:
