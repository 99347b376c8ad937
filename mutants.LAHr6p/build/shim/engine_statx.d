build/shim/engine_statx.o: shim/engine_statx.c shim/engine.h \
 shim/config.h shim/device.h shim/identity.h shim/limits.h \
 shim/transport.h shim/generic.h shim/cleanup.h shim/real.h \
 include/untorn_uapi.h
shim/engine.h:
shim/config.h:
shim/device.h:
shim/identity.h:
shim/limits.h:
shim/transport.h:
shim/generic.h:
shim/cleanup.h:
shim/real.h:
include/untorn_uapi.h:
