build/shim/sysfs.o: shim/sysfs.c shim/sysfs.h shim/cleanup.h shim/real.h
shim/sysfs.h:
shim/cleanup.h:
shim/real.h:
