build/shim/sim_doors_io.o: shim/sim_doors_io.c shim/sim.h shim/sim_io.h \
 shim/sim_next.h
shim/sim.h:
shim/sim_io.h:
shim/sim_next.h:
