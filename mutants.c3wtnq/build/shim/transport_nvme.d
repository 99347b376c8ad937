build/shim/transport_nvme.o: shim/transport_nvme.c shim/cache.h \
 shim/config.h shim/identify.h shim/limits_nvme.h shim/limits.h \
 shim/published.h shim/real.h shim/status.h shim/transport.h \
 shim/generic.h
shim/cache.h:
shim/config.h:
shim/identify.h:
shim/limits_nvme.h:
shim/limits.h:
shim/published.h:
shim/real.h:
shim/status.h:
shim/transport.h:
shim/generic.h:
