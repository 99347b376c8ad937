/* SPDX-License-Identifier: MIT */
/* sendfile() and splice() with a node at one end or both; sim_doors/move.c calls it. */
#ifndef SIM_MOVE_H
#define SIM_MOVE_H

#include "sim/sim.h"

/* One end of a move. */
struct sim_end {
	int fd;
	off_t *offset; /* NULL: at the descriptor's position */
	bool is_pipe;
};

/* Moves at most `size` bytes. Returns how many, or -errno. */
ssize_t sim_move(const struct sim_end *in, const struct sim_end *out, size_t size);

#endif
