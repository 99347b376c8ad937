build/shim/init.o: shim/init.c shim/config.h shim/device.h \
 shim/identity.h shim/limits.h shim/transport.h shim/generic.h \
 shim/real.h
shim/config.h:
shim/device.h:
shim/identity.h:
shim/limits.h:
shim/transport.h:
shim/generic.h:
shim/real.h:
