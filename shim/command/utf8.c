/* SPDX-License-Identifier: MIT */
/* Finds the bytes that are not UTF-8; see utf8.h. */
#include "command/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3629, section 4: no form longer than needed, no surrogates, nothing above U+10FFFF. */
static bool is_second(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second <= 0x9f;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second <= 0x8f;
	default:
		return true;
	}
}

/* The length of the character that begins here; 0: not valid UTF-8. */
static size_t length_of(const char *text)
{
	unsigned char first = (unsigned char)*text;
	size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (length > 1 && (first < 0xc2 || first > 0xf4))
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return is_second(first, (unsigned char)text[1]) ? length : 0;
}

char *utf8_escape(const char *text)
{
	char *copy = malloc(4 * strlen(text) + 1), *end = copy;

	while (copy && *text) {
		size_t length = length_of(text);
		if (length)
			end = mempcpy(end, text, length);
		else
			end += sprintf(end, "\\x%02x", (unsigned char)*text);
		text += length ? length : 1;
	}
	if (copy)
		*end = '\0';
	return copy;
}
