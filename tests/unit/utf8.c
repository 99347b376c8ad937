/* SPDX-License-Identifier: MIT */
/* Any bytes become UTF-8; what is UTF-8 already stays as it is. */
#include "command/utf8.h"

#include <stdlib.h>

#include "suite.h"

static const struct {
	const char *text, *escaped;
} rows[] = {
	{ "", "" },
	{ "plain \\ \"text\"\t\x01", "plain \\ \"text\"\t\x01" },
	{ "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x92\xbe", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x92\xbe" },
	{ "\xff", "\\xff" },
	{ "a\x80z", "a\\x80z" },
	{ "\xc3", "\\xc3" },
	{ "\xc3z", "\\xc3z" },
	{ "\xe2\x82", "\\xe2\\x82" },
	{ "\xe2\x82z", "\\xe2\\x82z" },
	{ "\xf0\x9f\x92", "\\xf0\\x9f\\x92" },
	{ "\xc0\xaf", "\\xc0\\xaf" }, /* too long a form */
	{ "\xc1\xbf", "\\xc1\\xbf" },
	{ "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf" },
	{ "\xe0\xa0\x80", "\xe0\xa0\x80" },
	{ "\xed\x9f\xbf", "\xed\x9f\xbf" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
	{ "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf" },
	{ "\xf0\x90\x80\x80", "\xf0\x90\x80\x80" },
	{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
	{ "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80" },
};

START_TEST(bytes_become_utf8)
{
	char *escaped = utf8_escape(rows[_i].text);

	ck_assert_str_eq(escaped, rows[_i].escaped);
	free(escaped);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("utf8");
	TCase *tc = tcase_create("rows");

	tcase_add_loop_test(tc, bytes_become_utf8, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(s, tc);
	return s;
}
