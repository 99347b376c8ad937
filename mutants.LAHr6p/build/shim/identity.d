build/shim/identity.o: shim/identity.c shim/identity.h shim/real.h \
 shim/sysfs.h
shim/identity.h:
shim/real.h:
shim/sysfs.h:
