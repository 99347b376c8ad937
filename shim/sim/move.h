/* SPDX-License-Identifier: MIT */
#ifndef SIM_MOVE_H
#define SIM_MOVE_H

#include "sim/sim.h"

/* Where data comes from or goes to. */
struct sim_end {
	int fd;
	off_t *offset; /* NULL: at the descriptor's position */
	bool is_pipe;
};

/* Bytes, or -errno. */
ssize_t sim_move(const struct sim_end *in, const struct sim_end *out, size_t size);

#endif
