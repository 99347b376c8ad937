build/tests/vm/scsi_target.o: tests/vm/scsi_target.c
