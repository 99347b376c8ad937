/* SPDX-License-Identifier: MIT */
/* How a process comes to the memory of `untorn run --report`, between counters.c and its like. */
#ifndef COUNTERS_SHARE_H
#define COUNTERS_SHARE_H

#include "base/counters.h"

/*
 * UNTORN_STAT is "/proc/PID/fd/N:SECRET". The path names a descriptor of the reporter, which only
 * processes of its user may open. SECRET is 32 hexadecimal digits: by the first 16 the memory is
 * known (counters_report.id), and the reporter's socket; the others go with a message to it.
 */
enum { COUNTERS_SECRET = 32, COUNTERS_SECRET_HALF = 16 };

struct sockaddr_un;
/* The reporter's socket, abstract, of datagrams. Returns the length of the address. */
unsigned counters_share_address(const char *secret, struct sockaddr_un *ret_address);

/* Opens the file that an O_PATH descriptor is of, for O_RDONLY or O_RDWR: that one and no other,
 * whatever its path may name by now. A descriptor, or -errno. */
int counters_share_reopen(int held, int access);

/* NULL: it cannot be mapped. */
struct counters *counters_share_map(int fd);

/* That of the reporter, if UNTORN_STAT names it and this process may open it; or NULL. */
struct counters *counters_share_open(void);

/* Of another user's process, which may not: gives the reporter a descriptor of its own memory,
 * to be added at the end. False: no report was asked for, or it could not. */
bool counters_share_hand_over(int fd);

/* This process is the program that is reported of, if the memory says so; after a fork (NULL) it is
 * not. */
void counters_share_know(struct counters *counters);

#endif
