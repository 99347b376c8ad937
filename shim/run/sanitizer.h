/* SPDX-License-Identifier: MIT */
/* For programs that were built with AddressSanitizer. run.c calls it before the exec. */
#ifndef CMD_SANITIZER_H
#define CMD_SANITIZER_H

/* Lets the program in this file start behind our preload, if it has AddressSanitizer in a shared
 * library. 0, or an exit status after a message. */
int cmd_sanitizer_allow(const char *path);

#endif
