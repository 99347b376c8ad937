build/shim/sim_sysfs.o: shim/sim_sysfs.c shim/sim.h shim/sim_next.h \
 shim/sim_scsi.h
shim/sim.h:
shim/sim_next.h:
shim/sim_scsi.h:
