/* SPDX-License-Identifier: MIT */
/* Names of files, disks and cgroups are any bytes; JSON and terminals want UTF-8. */
#ifndef UTF8_H
#define UTF8_H

/* A copy in which each byte that is not part of valid UTF-8 has become \xNN. The caller frees it;
 * NULL: out of memory. */
char *utf8_escape(const char *text);

#endif
