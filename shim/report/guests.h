/* SPDX-License-Identifier: MIT */
/* Memories that processes of other users count in and hand to the reporter. */
#ifndef GUESTS_H
#define GUESTS_H

#include "base/counters.h"

/* Takes all that have come. socket: -1, there is none. */
void guests_take(int socket, const char *secret);

/* Adds what they have counted. How many could not be kept. */
unsigned guests_end(struct counters *sum);

#endif
