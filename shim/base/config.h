/* SPDX-License-Identifier: MIT */
/* The settings, read once from the environment. The shim asks here at each write; include/untorn.h
 * says what the settings mean. */
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

/* How far a disk is believed, and which writes to it are accepted. */
struct decision {
	enum nvme_policy nvme_policy;
	enum rules rules;
};

struct config {
	enum mode mode;
	struct decision decision;
	bool aio_inline; /* io_submit() does the write itself */
	bool deep;       /* catch system calls made without the C library too */
};

/* Thread- and async-signal-safe, no lock: several first callers may parse at once, and all get the
 * same result. */
struct config config_get(void);

/* Reads a setting that is a text: UNTORN_ENV_STAT, UNTORN_ENV_LOG. False: unset, empty or too long.
 * Thread- and async-signal-safe. */
enum config_text { CONFIG_STAT, CONFIG_LOG, CONFIG_TEXTS };
enum { CONFIG_TEXT = 256 };
bool config_text(enum config_text which, char ret_text[CONFIG_TEXT]);

/* True if LD_PRELOAD, as it is now, names a library with this in its path. */
bool config_preloads(const char *part);

/* Parses these texts; NULL: unset. Pure, so that tests can call it. */
struct config config_parse(const char *mode, const char *nvme_limits, const char *rules,
			   const char *aio, const char *deep);

/* Parse a word. UNSET: NULL, or not a known word. Pure. */
enum nvme_policy config_parse_policy(const char *value);
enum rules config_parse_rules(const char *value);
/* Return the word of a value. The value must not be UNSET. */
const char *config_policy_word(enum nvme_policy policy);
const char *config_rules_word(enum rules rules);

/* True if the shim serves a program of this name and this file. only, skip: names with colons
 * between them; NULL or empty: unset. Pure, so that tests can call it. */
bool config_serves(const char *only, const char *skip, const char *called, const char *file);

#endif
