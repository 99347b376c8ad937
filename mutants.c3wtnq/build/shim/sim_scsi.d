build/shim/sim_scsi.o: shim/sim_scsi.c shim/sim_scsi.h shim/sim.h
shim/sim_scsi.h:
shim/sim.h:
