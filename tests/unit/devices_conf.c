/* SPDX-License-Identifier: MIT */
/* Tests lines of devices.conf: which are understood, and their meaning; and the names that a
 * pattern matches. */
#include <string.h>

#include "rules/devices_conf.h"
#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	const char *text, *model, *serial, *wwid, *path;
	enum nvme_policy policy;
	enum rules rules;
} good[] = {
	{ "", 0, 0, 0, 0, 0, 0 },
	{ "  \t", 0, 0, 0, 0, 0, 0 },
	{ "# model=x rules=device", 0, 0, 0, 0, 0, 0 },
	{ "model=X nvme-limits=namespace", "X", 0, 0, 0, NVME_POLICY_NAMESPACE, 0 },
	{ "model=X nvme-limits=single", "X", 0, 0, 0, NVME_POLICY_SINGLE, 0 },
	{ "nvme-limits=controller model=X", "X", 0, 0, 0, NVME_POLICY_CONTROLLER, 0 },
	{ "serial=1 rules=device", 0, "1", 0, 0, 0, RULES_DEVICE },
	{ "wwid=nvme.1* rules=linux", 0, 0, "nvme.1*", 0, 0, RULES_LINUX },
	{ "path=/dev/x rules=linux # so", 0, 0, 0, "/dev/x", 0, RULES_LINUX },
	{ "\tmodel=\"Amazon Elastic Block Store\"\trules=device \r", "Amazon Elastic Block Store",
	  0, 0, 0, 0, RULES_DEVICE },
	{ "model=a=b rules=device", "a=b", 0, 0, 0, 0, RULES_DEVICE },
	{ "model=\"a # b\" serial=* wwid=? path=/ nvme-limits=single rules=device", "a # b", "*",
	  "?", "/", NVME_POLICY_SINGLE, RULES_DEVICE },
};

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

START_TEST(line_is_understood)
{
	struct devices_conf_line line;
	char text[128];

	strcpy(text, good[_i].text);
	ck_assert(devices_conf_parse(text, &line));
	ck_assert(is_same(line.pattern[CONF_MODEL], good[_i].model));
	ck_assert(is_same(line.pattern[CONF_SERIAL], good[_i].serial));
	ck_assert(is_same(line.pattern[CONF_WWID], good[_i].wwid));
	ck_assert(is_same(line.pattern[CONF_PATH], good[_i].path));
	ck_assert_uint_eq(line.decision.nvme_policy, good[_i].policy);
	ck_assert_uint_eq(line.decision.rules, good[_i].rules);
	ck_assert_int_eq(devices_conf_is_empty(&line), !good[_i].policy && !good[_i].rules);
}
END_TEST

static const char *const bad[] = {
	"model=X",                          /* no setting */
	"rules=device",                     /* no disk */
	"model=X rules=Device",             /* unknown value */
	"model=X rules=",                   /* no value */
	"model=X nvme-limits=off",          /* unknown value */
	"model= rules=device",              /* matches nothing */
	"model=\"\" rules=device",          /* matches nothing */
	"model=X rules=device rules=linux", /* contradictory */
	"model=X nvme-limits=single nvme-limits=single",
	"model=X model=Y rules=device",
	"Model=X rules=device",
	"vendor=X rules=device",
	"model X rules=device",
	"model = X rules=device",
	"model=\"X rules=device",
	"model=\"X\"rules=device",
	"model=X rules=device and more",
	"model=Amazon Elastic rules=device",
	"=X rules=device",
	"rules",
};

START_TEST(line_is_not_understood)
{
	struct devices_conf_line line;
	char text[128];

	strcpy(text, bad[_i]);
	ck_assert(!devices_conf_parse(text, &line));
}
END_TEST

static const struct {
	const char *pattern, *text;
	bool matches;
} names[] = {
	{ "abc", "abc", true },
	{ "abc", "abcd", false },
	{ "abc", "ab", false },
	{ "a*", "abc", true },
	{ "*c", "abc", true },
	{ "*b", "abc", false },
	{ "*", "", true },
	{ "?", "", false },
	{ "a?c", "abc", true },
	{ "a?c", "ac", false },
	{ "*b*", "abc", true },
	{ "a*b*c", "a--b--bc", true },
	{ "a*bc", "abcbc", true },
	{ "a*bcd", "abcbcb", false },
	{ "**", "x", true },
	{ "a**", "a", true },
	{ "A", "a", false },
	{ "[a]", "a", false },
	{ "*ab", "aab", true },
	{ "", "", true },
	{ "", "a", false },
	{ "a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

START_TEST(pattern_matches)
{
	ck_assert_int_eq(devices_conf_matches(names[_i].pattern, names[_i].text),
			 names[_i].matches);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("devices_conf");
	TCase *tc = tcase_create("devices_conf");

	tcase_add_loop_test(tc, line_is_understood, 0, COUNT(good));
	tcase_add_loop_test(tc, line_is_not_understood, 0, COUNT(bad));
	tcase_add_loop_test(tc, pattern_matches, 0, COUNT(names));
	suite_add_tcase(s, tc);
	return s;
}
