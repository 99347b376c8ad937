/* SPDX-License-Identifier: MIT */
/* Guests: the memory in which processes of other users count. They send its descriptor to the
 * reporter's socket. */
#ifndef GUESTS_H
#define GUESTS_H

#include "base/counters.h"

/* Takes all descriptors that have arrived, without waiting. socket: -1 if there is none. */
void guests_take(int socket, const char *secret);

/* Adds the guests' counters to sum. Returns the number of guests that could not be kept. */
unsigned guests_end(struct counters *sum);

#endif
