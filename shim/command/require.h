/* SPDX-License-Identifier: MIT */
/* `untorn run --require`: a program starts only if its device qualifies. run/run.c calls this. */
#ifndef CMD_REQUIRE_H
#define CMD_REQUIRE_H

/* Asks untorn doctor whether the device qualifies in this environment. preload: the simulated
 * disk's library, or NULL. 0: it qualifies; else an exit status, after a message. */
int cmd_require(const char *device, const char *preload);

#endif
