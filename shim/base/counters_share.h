/* SPDX-License-Identifier: MIT */
/* Gives a process the memory of `untorn run --report`. counters.c calls it in the program, report/
 * in the reporter and in `untorn stat`. No lock. */
#ifndef COUNTERS_SHARE_H
#define COUNTERS_SHARE_H

#include "base/counters.h"

/*
 * UNTORN_STAT is "/proc/PID/fd/N:SECRET". The path names a descriptor of the reporter, which only
 * processes of its user may open. SECRET is 32 hexadecimal digits. The first 16 identify the memory
 * (counters_report.id) and the reporter's socket; a process sends the others in its message to that
 * socket.
 */
enum { COUNTERS_SECRET = 32, COUNTERS_SECRET_HALF = 16 };

struct sockaddr_un;
/* Makes the address of the reporter's abstract datagram socket. Returns the address's length. */
unsigned counters_share_address(const char *secret, struct sockaddr_un *ret_address);

/* Opens the file of an O_PATH descriptor for O_RDONLY or O_RDWR: that very file, whatever its path
 * names by now. Returns a descriptor, or -errno. */
int counters_share_reopen(int held, int access);

/* Maps the memory, shared. NULL: it cannot be mapped. */
struct counters *counters_share_map(int fd);

/* Maps the reporter's memory. NULL: UNTORN_STAT does not name it, or this process may not open
 * it. */
struct counters *counters_share_open(void);

/* For a process of another user, which may not open it: sends the reporter a descriptor of the
 * process's own memory, which the reporter adds at the end. False: no report was asked for, or it
 * could not be sent. */
bool counters_share_hand_over(int fd);

/* Records whether this process is the program of the report, as the memory says. NULL, after a
 * fork: it is not. */
void counters_share_know(struct counters *counters);

#endif
