build/shim/sim_doors.o: shim/sim_doors.c shim/sim.h shim/sim_io.h \
 shim/sim_next.h
shim/sim.h:
shim/sim_io.h:
shim/sim_next.h:
