build/shim/entry_syscall.o: shim/entry_syscall.c shim/entry.h shim/real.h \
 include/untorn_uapi.h
shim/entry.h:
shim/real.h:
include/untorn_uapi.h:
