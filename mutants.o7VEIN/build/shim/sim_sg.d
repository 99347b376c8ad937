build/shim/sim_sg.o: shim/sim_sg.c shim/sim.h shim/sim_scsi.h
shim/sim.h:
shim/sim_scsi.h:
