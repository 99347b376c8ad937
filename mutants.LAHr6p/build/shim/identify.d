build/shim/identify.o: shim/identify.c shim/identify.h shim/limits_nvme.h \
 shim/config.h shim/limits.h shim/library.h shim/real.h shim/status.h
shim/identify.h:
shim/limits_nvme.h:
shim/config.h:
shim/limits.h:
shim/library.h:
shim/real.h:
shim/status.h:
