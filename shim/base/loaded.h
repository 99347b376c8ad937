/* SPDX-License-Identifier: MIT */
/* Libraries that are in the process already, read without the loader's functions: dlopen() and
 * dlsym() take a lock that somebody may hold who waits for this thread. */
#ifndef LOADED_H
#define LOADED_H

/* A function of the library of this file name, whoever brought it along; NULL: it is not there.
 * Thread-safe, no heap. Versions of symbols are not looked at. */
void *loaded_find(const char *library, const char *name);

/* The functions of these names that come after ours in the order in which the program's libraries
 * are searched; what is not found so stays as it was. For a constructor: nothing may be unloaded
 * meanwhile. It takes a fifth of the time that dlsym() takes. */
void loaded_next(const char *const *names, unsigned count, void **ret_found);

#endif
