/* SPDX-License-Identifier: MIT */
/*
 * Opens files that nobody but the machine's root can have written: root owns them and their folder,
 * and nobody else may write either. In a user namespace user ID 0 is somebody else.
 * device/published.c and device/decision.c call this. Thread-safe, no lock, allocates nothing.
 */
#ifndef TRUSTED_H
#define TRUSTED_H

/* Returns a descriptor of the folder, for openat() and the like, which the caller closes; or
 * -errno. EPERM: it is not root's, or others may write it. */
int trusted_directory(const char *path);

/* Returns a descriptor to read from, which the caller closes; or -errno. EPERM: the file or its
 * folder is not root's, or others may write it. EXDEV: this user namespace does not know the
 * machine's root. */
int trusted_open(const char *directory, const char *name);

#endif
