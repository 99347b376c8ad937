build/shim/published.o: shim/published.c shim/published.h shim/cleanup.h \
 shim/real.h shim/sysfs.h
shim/published.h:
shim/cleanup.h:
shim/real.h:
shim/sysfs.h:
