/* SPDX-License-Identifier: MIT */
/* Plain reads and writes of a simulated node, with the checks of Linux 6.1. */
#ifndef SIM_IO_H
#define SIM_IO_H

#include <sys/types.h>
#include <sys/uio.h>

#include "sim/sim.h"

struct sim_io {
	const struct sim_file *file;
	const struct iovec *iov; /* may be unreadable, and so may the memory that it names */
	int count;
	off_t offset;
	int flags; /* RWF_* */
};

/* Return bytes, or -errno. For a disk or a partition, not for a SCSI generic node. */
ssize_t sim_io_write(const struct sim_io *io);
ssize_t sim_io_read(const struct sim_io *io);

#endif
