/* SPDX-License-Identifier: MIT */
/* Programs that were built with AddressSanitizer. */
#ifndef CMD_SANITIZER_H
#define CMD_SANITIZER_H

/* If the program in this file has it in a shared library: lets it start behind our preload. 0, or
 * an exit status after a message. */
int cmd_sanitizer_allow(const char *path);

#endif
