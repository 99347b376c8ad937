build/shim/elf.o: shim/elf.c shim/elf.h
shim/elf.h:
