/* SPDX-License-Identifier: MIT */
/*
 * What is decided for a disk: by the environment of this process, else by the first line of
 * /etc/untorn/devices.conf that matches, else, where that file cannot be seen, by what root
 * published of it; else the defaults. Thread-safe, allocates nothing.
 */
#ifndef DECISION_H
#define DECISION_H

#include <sys/types.h>

#include "base/config.h"

#define DECISION_DIRECTORY "/etc/untorn"
#define DECISION_FILE      "devices.conf"

struct decision_source {
	/* 0: the file was read; -ENOENT, -EACCES: it cannot be seen; -EBADMSG: a line is not
	 * understood, or -EPERM, -EXDEV and others: others may have written it; -EMFILE, -ENFILE,
	 * -ENOMEM, -EIO: no answer. */
	int error;
	unsigned line;         /* that decides; with -EBADMSG: the one not understood; 0: none */
	struct decision found; /* by the file, or by what was published; either may be unset */
};

/* Nothing in ret_decision is unset then; on a disk that several controllers lead to, the policy is
 * "namespace" whatever was found. ret_source may be NULL; it is written in any case. 0, or -errno:
 * no answer. */
int decision_of(dev_t device, struct decision *ret_decision, struct decision_source *ret_source);

/* The file alone, for those who publish it. */
struct decision_source decision_by_file(dev_t device);

/* The directory that is read; tests set it, nothing else does. */
extern const char *decision_directory;

#endif
