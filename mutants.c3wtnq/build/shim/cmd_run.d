build/shim/cmd_run.o: shim/cmd_run.c shim/cmd.h shim/cleanup.h \
 shim/cmd_preload.h shim/cmd_program.h include/untorn.h
shim/cmd.h:
shim/cleanup.h:
shim/cmd_preload.h:
shim/cmd_program.h:
include/untorn.h:
