/* SPDX-License-Identifier: MIT */
/* The environment, read once. include/untorn.h says what the settings mean. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>

enum mode { MODE_AUTO, MODE_COMMAND, MODE_OFF };
enum nvme_policy { NVME_POLICY_NAMESPACE, NVME_POLICY_CONTROLLER };

struct config {
	enum mode mode;
	enum nvme_policy nvme_policy;
	bool libnvme, libsgutils; /* may be opened */
	bool aio_inline;          /* io_submit() does the write itself */
	bool deep;                /* system calls made without the C library too */
};

/* Thread- and async-signal-safe: the first callers may parse at once, and all find the same. */
struct config config_get(void);

/* What these texts mean, each NULL when unset; pure, for tests. */
struct config config_parse(const char *mode, const char *nvme_limits, const char *libnvme,
			   const char *libsgutils, const char *aio, const char *deep);

#endif
