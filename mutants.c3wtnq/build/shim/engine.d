build/shim/engine.o: shim/engine.c shim/engine.h shim/config.h \
 shim/device.h shim/identity.h shim/limits.h shim/transport.h \
 shim/generic.h shim/cache.h shim/cleanup.h shim/real.h shim/request.h \
 include/untorn_uapi.h
shim/engine.h:
shim/config.h:
shim/device.h:
shim/identity.h:
shim/limits.h:
shim/transport.h:
shim/generic.h:
shim/cache.h:
shim/cleanup.h:
shim/real.h:
shim/request.h:
include/untorn_uapi.h:
