build/shim/sim_io.o: shim/sim_io.c shim/sim_io.h shim/sim.h \
 shim/sim_next.h
shim/sim_io.h:
shim/sim.h:
shim/sim_next.h:
