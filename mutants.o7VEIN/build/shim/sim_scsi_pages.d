build/shim/sim_scsi_pages.o: shim/sim_scsi_pages.c shim/sim_scsi.h \
 shim/sim.h
shim/sim_scsi.h:
shim/sim.h:
