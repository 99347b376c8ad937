/* SPDX-License-Identifier: MIT */
/* Libraries that are in the process already, read without the loader's functions: dlopen() and
 * dlsym() take a lock that somebody may hold who waits for this thread. */
#ifndef LOADED_H
#define LOADED_H

/* A function of the library of this file name, whoever brought it along; NULL: it is not there.
 * Thread-safe, no heap. Versions of symbols are not looked at. */
void *loaded_find(const char *library, const char *name);

#endif
