build/tests/vm/statx_print.o: tests/vm/statx_print.c \
 include/untorn_uapi.h
include/untorn_uapi.h:
