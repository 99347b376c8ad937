build/shim/entry.o: shim/entry.c shim/entry.h shim/engine.h shim/config.h \
 shim/device.h shim/identity.h shim/limits.h shim/transport.h \
 shim/generic.h
shim/entry.h:
shim/engine.h:
shim/config.h:
shim/device.h:
shim/identity.h:
shim/limits.h:
shim/transport.h:
shim/generic.h:
