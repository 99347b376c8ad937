build/shim/generic.o: shim/generic.c shim/generic.h shim/identity.h \
 shim/real.h shim/sysfs.h
shim/generic.h:
shim/identity.h:
shim/real.h:
shim/sysfs.h:
