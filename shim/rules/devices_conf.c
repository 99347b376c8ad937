/* SPDX-License-Identifier: MIT */
/* Start reading at devices_conf_parse(). */
#include "rules/devices_conf.h"

#include <stddef.h>
#include <string.h>

static const char blanks[] = " \t\r";

/* Ends the value, and returns where the rest begins. NULL: quotes that do not end, or text right
 * after them. */
static char *cut_value(char **value)
{
	bool is_quoted = **value == '"';
	char *end = is_quoted ? strchr(++*value, '"') : *value + strcspn(*value, blanks);

	if (!end)
		return NULL;
	char *rest = end + is_quoted;
	if (*rest && !strchr(blanks, *rest))
		return NULL;
	rest += *rest != '\0';
	*end = '\0';
	return rest;
}

static bool take_pattern(const char *key, const char *value, struct devices_conf_line *line)
{
	static const char *const keys[CONF_PATTERNS] = {
		[CONF_MODEL] = "model",
		[CONF_SERIAL] = "serial",
		[CONF_WWID] = "wwid",
		[CONF_PATH] = "path",
	};

	for (int i = 0; i < CONF_PATTERNS; i++) {
		if (strcmp(key, keys[i]) == 0 && !line->pattern[i] && *value) {
			line->pattern[i] = value;
			return true;
		}
	}
	return false;
}

/* A key that comes twice is a mistake. */
static bool take(const char *key, const char *value, struct devices_conf_line *line)
{
	struct decision *decision = &line->decision;

	if (strcmp(key, "nvme-limits") == 0 && !decision->nvme_policy)
		return (decision->nvme_policy = config_parse_policy(value));
	if (strcmp(key, "rules") == 0 && !decision->rules)
		return (decision->rules = config_parse_rules(value));
	return take_pattern(key, value, line);
}

bool devices_conf_is_empty(const struct devices_conf_line *line)
{
	static const struct devices_conf_line empty;

	return memcmp(line->pattern, empty.pattern, sizeof(empty.pattern)) == 0;
}

static bool is_whole(const struct devices_conf_line *line)
{
	bool decides = line->decision.nvme_policy || line->decision.rules;

	return decides == !devices_conf_is_empty(line);
}

bool devices_conf_parse(char *text, struct devices_conf_line *ret_line)
{
	struct devices_conf_line line = { { NULL }, { 0 } };

	for (char *at = text + strspn(text, blanks); *at && *at != '#'; at += strspn(at, blanks)) {
		char *value = strchr(at, '='), *key = at;
		if (!value)
			return false;
		*value++ = '\0';
		at = cut_value(&value);
		if (!at || !take(key, value, &line))
			return false;
	}
	*ret_line = line;
	return is_whole(&line);
}

/* On a mismatch, the last star takes one character more. */
bool devices_conf_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}
