build/shim/cache.o: shim/cache.c shim/cache.h shim/limits.h shim/real.h \
 include/untorn_uapi.h
shim/cache.h:
shim/limits.h:
shim/real.h:
include/untorn_uapi.h:
