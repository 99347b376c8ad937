/* SPDX-License-Identifier: MIT */
/*
 * Parses a line of /etc/untorn/devices.conf: the disks that it names, and the decision for them.
 * device/decision.c calls it. Pure.
 *
 *	model="Amazon Elastic Block Store" nvme-limits=controller rules=device
 *
 * Patterns: * is any text, ? one character. All patterns of a line must match.
 */
#ifndef DEVICES_CONF_H
#define DEVICES_CONF_H

#include <stdbool.h>

#include "base/config.h"

enum devices_conf_key { CONF_MODEL, CONF_SERIAL, CONF_WWID, CONF_PATH, CONF_PATTERNS };

struct devices_conf_line {
	const char *pattern[CONF_PATTERNS]; /* points into the text; NULL: anything */
	struct decision decision;
};

/* Parses the text, which has no newline, and cuts it into words. False: it is not understood. An
 * empty line, and one of comment alone, has neither pattern nor decision. */
bool devices_conf_parse(char *text, struct devices_conf_line *ret_line);

bool devices_conf_is_empty(const struct devices_conf_line *line);

/* True if the text matches the pattern. */
bool devices_conf_matches(const char *pattern, const char *text);

#endif
