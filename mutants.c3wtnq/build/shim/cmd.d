build/shim/cmd.o: shim/cmd.c shim/cmd.h shim/cmd_preload.h
shim/cmd.h:
shim/cmd_preload.h:
