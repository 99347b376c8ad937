/* SPDX-License-Identifier: MIT */
/*
 * Finds the decision for a disk: its policy and its rules. Each comes from the environment of this
 * process; else from the first line of /etc/untorn/devices.conf that matches, or, if the process
 * cannot see that file, from root's record in /run/untorn; else it is the default. device.c,
 * `untorn doctor` and `untorn publish` call it. Thread-safe, no heap, no lock.
 */
#ifndef DECISION_H
#define DECISION_H

#include <sys/types.h>

#include "base/config.h"

#define DECISION_DIRECTORY "/etc/untorn"
#define DECISION_FILE      "devices.conf"

struct decision_source {
	/* 0: the file was read. -ENOENT, -EACCES: this process cannot see it. -EBADMSG: a line is
	 * not understood. -EPERM, -EXDEV and further ones: somebody other than root may have
	 * written it. -EMFILE, -ENFILE, -ENOMEM, -EIO: no answer. */
	int error;
	unsigned line;         /* the line that decides; with -EBADMSG the wrong one; 0: none */
	struct decision found; /* from the file or root's record; either half may be unset */
};

/* Returns 0 and a decision of which both halves are set, or -errno: no answer. If several
 * controllers lead to the disk, the policy is "namespace" whatever was found. ret_source may be
 * NULL; it is filled in even if the call fails. */
int decision_of(dev_t device, struct decision *ret_decision, struct decision_source *ret_source);

/* Reads the file alone, for a caller that publishes the decision. */
struct decision_source decision_by_file(dev_t device);

/* The directory to read; only tests set it. */
extern const char *decision_directory;

#endif
