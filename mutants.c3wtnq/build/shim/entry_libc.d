build/shim/entry_libc.o: shim/entry_libc.c shim/entry.h shim/real.h \
 include/untorn.h include/untorn_uapi.h
shim/entry.h:
shim/real.h:
include/untorn.h:
include/untorn_uapi.h:
