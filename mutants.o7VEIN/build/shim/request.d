build/shim/request.o: shim/request.c shim/request.h shim/limits.h \
 include/untorn_uapi.h
shim/request.h:
shim/limits.h:
include/untorn_uapi.h:
