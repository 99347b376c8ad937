/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: finds our libraries, and puts them into the list in the right order or takes the shim
 * out. */
#ifndef CMD_PRELOAD_H
#define CMD_PRELOAD_H

#define CMD_PRELOAD_SHIM "libuntorn.so"
#define CMD_PRELOAD_SIM  "libuntorn-sim.so"

/* Returns the absolute path of one of our libraries. It looks beside the command (as in a build
 * folder), in the lib folder beside its bin, and in cmd_preload_place (where it was installed);
 * never anywhere else. The caller frees the path. NULL and errno: not found. */
char *cmd_preload_find(const char *name);
extern const char cmd_preload_place[];

/* Names what in this path the loader would not read as it stands in LD_PRELOAD; static. NULL:
 * nothing. */
const char *cmd_preload_hinders(const char *path);

/* Returns the list with the shim first, then the simulated disk (sim may be NULL), then all others
 * in their own order. If a sanitizer's library is first, it stays first. Neither of ours is in the
 * list twice. The caller frees the result; NULL: out of memory. */
char *cmd_preload_with(const char *list, const char *shim, const char *sim);

/* Executes this command again without our shim, if LD_PRELOAD names it. Returns if it does not, or
 * if that fails. */
void cmd_preload_leave_shim(char **argv);

#endif
