/* SPDX-License-Identifier: MIT */
/*
 * Files that nobody but the machine's root can have written: root owns them and their folder, and
 * nobody else may write either. In a user namespace number 0 is somebody else. Thread-safe,
 * allocates nothing.
 */
#ifndef TRUSTED_H
#define TRUSTED_H

/* A descriptor of the folder, for openat() and the like, for the caller to close; or -errno, EPERM:
 * others may write it. */
int trusted_directory(const char *path);

/* A descriptor to read from, for the caller to close; or -errno: EPERM, others may write it or its
 * folder; EXDEV, this user namespace does not know the machine's root. */
int trusted_open(const char *directory, const char *name);

#endif
