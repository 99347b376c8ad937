/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: which of our libraries it names, and in which order. */
#ifndef CMD_PRELOAD_H
#define CMD_PRELOAD_H

#define CMD_PRELOAD_SHIM "libuntorn.so"
#define CMD_PRELOAD_SIM  "libuntorn-sim.so"

/* The absolute path of one of our libraries: beside the command, as in a build folder, or in the
 * lib folder beside its bin, or in cmd_preload_place, where it was installed; never anywhere else.
 * The caller frees it; NULL and errno: it is in none of them. */
char *cmd_preload_find(const char *name);
extern const char cmd_preload_place[];

/* The loader reads some texts in LD_PRELOAD as something else. Returns the first of them in this
 * path; NULL: there is none. */
const char *cmd_preload_hinders(const char *path);

/*
 * The list with the shim first, and the simulated disk, if it is not NULL, right behind it; all
 * others after them in their own order. But a sanitizer's library that is first stays so. Neither
 * is in it twice. The caller frees the result; NULL: out of memory.
 */
char *cmd_preload_with(const char *list, const char *shim, const char *sim);

/* Starts this command afresh without our shim, if it is in this process. */
void cmd_preload_leave_shim(char **argv);

#endif
