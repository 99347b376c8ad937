build/shim/cmd_preload.o: shim/cmd_preload.c shim/cmd_preload.h \
 shim/cleanup.h
shim/cmd_preload.h:
shim/cleanup.h:
