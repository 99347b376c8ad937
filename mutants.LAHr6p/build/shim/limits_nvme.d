build/shim/limits_nvme.o: shim/limits_nvme.c shim/limits_nvme.h \
 shim/config.h shim/limits.h
shim/limits_nvme.h:
shim/config.h:
shim/limits.h:
