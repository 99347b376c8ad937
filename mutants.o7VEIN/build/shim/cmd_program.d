build/shim/cmd_program.o: shim/cmd_program.c shim/cmd_program.h \
 shim/cleanup.h shim/elf.h
shim/cmd_program.h:
shim/cleanup.h:
shim/elf.h:
