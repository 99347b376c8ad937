/* SPDX-License-Identifier: MIT */
/* The environment, read once. include/untorn.h says what the settings mean. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>

enum mode { MODE_AUTO, MODE_COMMAND, MODE_OFF };
enum nvme_policy {
	NVME_POLICY_UNSET,
	NVME_POLICY_NAMESPACE,
	NVME_POLICY_SINGLE,
	NVME_POLICY_CONTROLLER
};
enum rules { RULES_UNSET, RULES_LINUX, RULES_DEVICE };

/* What is believed of a disk, and which writes to it are accepted. */
struct decision {
	enum nvme_policy nvme_policy;
	enum rules rules;
};

struct config {
	enum mode mode;
	struct decision decision;
	bool aio_inline; /* io_submit() does the write itself */
	bool deep;       /* system calls made without the C library too */
};

/* Thread- and async-signal-safe: the first callers may parse at once, and all find the same. */
struct config config_get(void);

/* Settings that are texts; UNTORN_ENV_STAT, UNTORN_ENV_LOG. False: unset, empty or too long. As
 * above. */
enum config_text { CONFIG_STAT, CONFIG_LOG, CONFIG_TEXTS };
enum { CONFIG_TEXT = 256 };
bool config_text(enum config_text which, char ret_text[CONFIG_TEXT]);

/* Does LD_PRELOAD name a library with this in its path? Of the environment as it is now. */
bool config_preloads(const char *part);

/* What these texts mean, each NULL when unset; pure, for tests. */
struct config config_parse(const char *mode, const char *nvme_limits, const char *rules,
			   const char *aio, const char *deep);

/* What these words mean; UNSET: none of them is meant. Pure. */
enum nvme_policy config_parse_policy(const char *value);
enum rules config_parse_rules(const char *value);
/* The words themselves; not for UNSET. */
const char *config_policy_word(enum nvme_policy policy);
const char *config_rules_word(enum rules rules);

/* Is a program that is called so, and whose file this is, to be served? Both lists are names with
 * colons between them; NULL or empty: unset. Pure, for tests. */
bool config_serves(const char *only, const char *skip, const char *called, const char *file);

#endif
