/* SPDX-License-Identifier: MIT */
/* Tests the doctor's findings: collected within bounds, printed as text and as JSON. */
#include "doctor/evidence.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct evidence small(void)
{
	struct evidence e = {
		.device = "/dev/nvme0n1",
		.verdict = VERDICT_YES,
		.conclusion = "atomic writes of 512 to 16384 bytes",
		.unit_min = 512,
		.unit_max = 16384,
		.boundary = 32768,
		.lane = "command",
	};
	return e;
}

/* Returns the text that print() writes to standard output. The caller frees it. */
static char *printed(bool (*print)(const struct evidence *), const struct evidence *e)
{
	char *text = calloc(1, 1 << 16);
	FILE *file = tmpfile();
	ck_assert_ptr_nonnull(file);
	fflush(stdout);
	int before = dup(STDOUT_FILENO);

	dup2(fileno(file), STDOUT_FILENO);
	bool success = print(e);
	dup2(before, STDOUT_FILENO);
	close(before);
	ck_assert(success);
	ck_assert_int_ge(pread(fileno(file), text, (1 << 16) - 1, 0), 0);
	fclose(file);
	return text;
}

/* Parses the printed JSON, which must be one object and nothing else. */
static struct json_object *parsed(const struct evidence *e)
{
	enum json_tokener_error error;
	char *text = printed(evidence_print_json, e);
	struct json_object *object = json_tokener_parse_verbose(text, &error);

	ck_assert_msg(object && json_object_is_type(object, json_type_object), "%s: %s",
		      json_tokener_error_desc(error), text);
	size_t length = strlen(text);
	ck_assert_str_eq(text + length - 2, "}\n");
	free(text);
	return object;
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value;

	ck_assert_msg(json_object_object_get_ex(object, name, &value), "there is no %s", name);
	return value;
}

static const char *text_of(struct json_object *object, const char *name)
{
	ck_assert(json_object_is_type(member(object, name), json_type_string));
	return json_object_get_string(member(object, name));
}

static long long number_of(struct json_object *object, const char *name)
{
	ck_assert(json_object_is_type(member(object, name), json_type_int));
	return json_object_get_int64(member(object, name));
}

START_TEST(facts_beyond_the_limit_are_left_out)
{
	struct evidence e = small();

	for (int i = 0; i < EVIDENCE_FACTS + 5; i++)
		evidence_fact(&e, "group", "name", "fact %d", i);
	ck_assert_int_eq(e.fact_count, EVIDENCE_FACTS);
	ck_assert_str_eq(e.facts[0].text, "fact 0");
	ck_assert_str_eq(e.facts[EVIDENCE_FACTS - 1].text, "fact 255");
	/* The memory behind the facts is unchanged. */
	ck_assert_int_eq(e.advice_count, 0);
	ck_assert_str_eq(e.advice[0], "");
}
END_TEST

START_TEST(advice_beyond_the_limit_is_left_out)
{
	struct {
		struct evidence e;
		char behind[16];
	} both = { small(), "as it was" };

	for (int i = 0; i < EVIDENCE_ADVICE + 5; i++)
		evidence_advise(&both.e, "advice %d", i);
	ck_assert_int_eq(both.e.advice_count, EVIDENCE_ADVICE);
	ck_assert_str_eq(both.e.advice[0], "advice 0");
	ck_assert_str_eq(both.e.advice[EVIDENCE_ADVICE - 1], "advice 15");
	ck_assert_str_eq(both.behind, "as it was");
}
END_TEST

static const int lengths[] = { 0, 1, 190, 191, 192, 193, 254, 255, 256, 257, 5000 };

START_TEST(text_is_cut_to_what_fits)
{
	struct evidence e = small();
	int length = lengths[_i];

	evidence_fact(&e, "group", "name", "%*s", length, "");
	evidence_fact(&e, "group", "next", "next");
	evidence_advise(&e, "%*s", length, "");
	evidence_advise(&e, "next");
	ck_assert_uint_eq(strlen(e.facts[0].text), length < 191 ? length : 191);
	ck_assert_str_eq(e.facts[1].text, "next");
	ck_assert_uint_eq(strlen(e.advice[0]), length < 255 ? length : 255);
	ck_assert_str_eq(e.advice[1], "next");
}
END_TEST

START_TEST(text_begins_with_the_verdict_and_keeps_the_order)
{
	struct evidence e = small();

	evidence_fact(&e, "kernel", "release", "%s", "5.15.0");
	evidence_fact(&e, "device", "number", "%d:%d", 259, 0);
	evidence_fact(&e, "device", "a name longer than its column", "%s", "text");
	evidence_fact(&e, "caps", "segments", "%u", 127);
	evidence_advise(&e, "re-create the %s", "partition");
	evidence_advise(&e, "and %d", 2);
	char *text = printed(evidence_print, &e);
	ck_assert_str_eq(text, "/dev/nvme0n1: atomic writes of 512 to 16384 bytes\n"
			       "\n"
			       "kernel\n"
			       "  release                5.15.0\n"
			       "\n"
			       "device\n"
			       "  number                 259:0\n"
			       "  a name longer than its column text\n"
			       "\n"
			       "caps\n"
			       "  segments               127\n"
			       "\n"
			       "what to change\n"
			       "  - re-create the partition\n"
			       "  - and 2\n");
	free(text);
}
END_TEST

START_TEST(text_without_facts_is_the_verdict_alone)
{
	struct evidence e = small();
	char *text = printed(evidence_print, &e);

	ck_assert_str_eq(text, "/dev/nvme0n1: atomic writes of 512 to 16384 bytes\n");
	free(text);
}
END_TEST

START_TEST(json_has_what_was_put_in)
{
	struct evidence e = small();

	evidence_fact(&e, "kernel", "release", "5.15.0");
	evidence_fact(&e, "device", "number", "259:0");
	evidence_fact(&e, "kernel", "natively", "no");
	evidence_fact(&e, "caps", "number", "another");
	evidence_advise(&e, "first");
	evidence_advise(&e, "second");
	struct json_object *object = parsed(&e), *facts = member(object, "evidence");
	struct json_object *advice = member(object, "advice");
	ck_assert_str_eq(text_of(object, "device"), "/dev/nvme0n1");
	ck_assert_str_eq(text_of(object, "conclusion"), e.conclusion);
	ck_assert_str_eq(text_of(object, "lane"), "command");
	ck_assert_int_eq(number_of(object, "unit_min"), 512);
	ck_assert_int_eq(number_of(object, "unit_max"), 16384);
	ck_assert_int_eq(number_of(object, "boundary"), 32768);
	ck_assert_int_eq(json_object_object_length(facts), 3);
	ck_assert_str_eq(text_of(member(facts, "kernel"), "release"), "5.15.0");
	ck_assert_str_eq(text_of(member(facts, "kernel"), "natively"), "no");
	ck_assert_str_eq(text_of(member(facts, "device"), "number"), "259:0");
	ck_assert_str_eq(text_of(member(facts, "caps"), "number"), "another");
	ck_assert_uint_eq(json_object_array_length(advice), 2);
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(advice, 0)), "first");
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(advice, 1)), "second");
	json_object_put(object);
}
END_TEST

/* Also texts that were cut within a character. */
START_TEST(what_is_no_utf8_is_escaped)
{
	struct evidence e = small();

	e.device = "/dev/\xff";
	snprintf(e.conclusion, sizeof(e.conclusion), "%s", "none: \xff");
	snprintf(e.warning, sizeof(e.warning), "%s", "look out: \xff");
	evidence_fact(&e, "group", "name", "%190s\xe2\x82\xac", "");
	evidence_advise(&e, "%s", "\xc3");
	struct json_object *object = parsed(&e);
	ck_assert_str_eq(text_of(object, "device"), "/dev/\\xff");
	ck_assert_str_eq(text_of(object, "conclusion"), "none: \\xff");
	ck_assert_int_eq(number_of(object, "version"), 1);
	struct json_object *warnings = member(object, "warnings");
	struct json_object *advice = member(object, "advice");
	ck_assert_uint_eq(json_object_array_length(warnings), 1);
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(warnings, 0)),
			 "look out: \\xff");
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(advice, 0)), "\\xc3");
	const char *fact = text_of(member(member(object, "evidence"), "group"), "name");
	ck_assert_str_eq(fact + 190, "\\xe2");
	json_object_put(object);
	char *text = printed(evidence_print, &e);
	ck_assert_ptr_eq(strstr(text, "/dev/\\xff: none: \\xff\nWARNING: look out: \\xff\n"), text);
	ck_assert_ptr_nonnull(strstr(text, "  - \\xc3\n"));
	free(text);
}
END_TEST

START_TEST(json_without_facts_has_empty_ones)
{
	struct evidence e = small();
	struct json_object *object = parsed(&e);

	ck_assert_int_eq(json_object_object_length(member(object, "evidence")), 0);
	ck_assert_uint_eq(json_object_array_length(member(object, "advice")), 0);
	ck_assert_uint_eq(json_object_array_length(member(object, "warnings")), 0);
	json_object_put(object);
}
END_TEST

START_TEST(json_has_all_that_fits)
{
	static char names[EVIDENCE_FACTS][16];
	struct evidence e = small();

	for (int i = 0; i < EVIDENCE_FACTS; i++) {
		snprintf(names[i], sizeof(names[i]), "name %d", i);
		evidence_fact(&e, i % 2 ? "odd" : "even", names[i], "%300d", i);
	}
	for (int i = 0; i < EVIDENCE_ADVICE; i++)
		evidence_advise(&e, "%300d", i);
	struct json_object *object = parsed(&e), *facts = member(object, "evidence");
	for (int i = 0; i < EVIDENCE_FACTS; i++)
		ck_assert_str_eq(text_of(member(facts, i % 2 ? "odd" : "even"), names[i]),
				 e.facts[i].text);
	ck_assert_uint_eq(json_object_array_length(member(object, "advice")), EVIDENCE_ADVICE);
	json_object_put(object);
}
END_TEST

static const struct {
	enum verdict verdict;
	const char *word;
} verdicts[] = {
	{ VERDICT_YES, "yes" },
	{ VERDICT_NO, "no" },
	{ VERDICT_UNKNOWN, "unknown" },
};

START_TEST(json_names_the_verdict)
{
	struct evidence e = small();

	e.verdict = verdicts[_i].verdict;
	struct json_object *object = parsed(&e);
	ck_assert_str_eq(text_of(object, "qualifies"), verdicts[_i].word);
	json_object_put(object);
}
END_TEST

static const unsigned numbers[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };

START_TEST(json_numbers_keep_their_sign)
{
	struct evidence e = small();

	e.unit_min = e.unit_max = e.boundary = numbers[_i];
	struct json_object *object = parsed(&e);
	ck_assert_int_eq(number_of(object, "unit_min"), numbers[_i]);
	ck_assert_int_eq(number_of(object, "unit_max"), numbers[_i]);
	ck_assert_int_eq(number_of(object, "boundary"), numbers[_i]);
	json_object_put(object);
}
END_TEST

static const char *const specials[] = {
	"\"quoted\"",     "back\\slash", "line\nfeed and\ttab and\rreturn", "\b\f\1\x1f\x7f",
	"</script>",      "%s %n %d",    "\xc3\xa9 and \xe2\x82\xac",       "{\"a\":[1,",
	"\\u0041\\n\\\"", "'",
};

START_TEST(special_characters_come_back_as_they_were)
{
	const char *special = specials[_i];
	struct evidence e = small();

	e.device = special;
	snprintf(e.conclusion, sizeof(e.conclusion), "%s", special);
	evidence_fact(&e, special, special, "%s", special);
	evidence_advise(&e, "%s", special);
	struct json_object *object = parsed(&e);
	struct json_object *facts = member(object, "evidence"), *advice = member(object, "advice");
	ck_assert_str_eq(text_of(object, "device"), special);
	ck_assert_str_eq(text_of(object, "conclusion"), special);
	ck_assert_str_eq(text_of(member(facts, special), special), special);
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(advice, 0)), special);
	json_object_put(object);
	char *text = printed(evidence_print, &e);
	ck_assert_ptr_nonnull(strstr(text, special));
	free(text);
}
END_TEST

static bool (*const printers[])(const struct evidence *) = { evidence_print, evidence_print_json };

START_TEST(a_failed_print_is_reported)
{
	struct evidence e = small();
	fflush(stdout);
	int before = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(full, 0);
	dup2(full, STDOUT_FILENO);
	bool success = printers[_i](&e);
	dup2(before, STDOUT_FILENO);
	clearerr(stdout);
	close(before);
	close(full);
	ck_assert(!success);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("evidence");
	TCase *tc = tcase_create("evidence");

	tcase_add_test(tc, facts_beyond_the_limit_are_left_out);
	tcase_add_test(tc, advice_beyond_the_limit_is_left_out);
	tcase_add_loop_test(tc, text_is_cut_to_what_fits, 0, COUNT(lengths));
	tcase_add_test(tc, text_begins_with_the_verdict_and_keeps_the_order);
	tcase_add_test(tc, text_without_facts_is_the_verdict_alone);
	tcase_add_test(tc, json_has_what_was_put_in);
	tcase_add_test(tc, what_is_no_utf8_is_escaped);
	tcase_add_test(tc, json_without_facts_has_empty_ones);
	tcase_add_test(tc, json_has_all_that_fits);
	tcase_add_loop_test(tc, json_names_the_verdict, 0, COUNT(verdicts));
	tcase_add_loop_test(tc, json_numbers_keep_their_sign, 0, COUNT(numbers));
	tcase_add_loop_test(tc, special_characters_come_back_as_they_were, 0, COUNT(specials));
	tcase_add_loop_test(tc, a_failed_print_is_reported, 0, COUNT(printers));
	suite_add_tcase(s, tc);
	return s;
}
