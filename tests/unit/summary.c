/* SPDX-License-Identifier: MIT */
/* Tests the text made from counters, whatever they contain: any process may have written them. */
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/counters.h"
#include "suite.h"
#include "report/metrics.h"
#include "report/summary.h"

static const struct {
	uint64_t counts[4]; /* below 1, 2, 4 and 8 us */
	unsigned percent;
	uint64_t below;
} percentiles[] = {
	{ { 0, 0, 0, 0 }, 50, 0 },    { { 1, 0, 0, 0 }, 50, 1 },
	{ { 1, 0, 0, 0 }, 99, 1 },    { { 50, 50, 0, 0 }, 50, 1 },
	{ { 49, 51, 0, 0 }, 50, 2 },  { { 99, 0, 0, 1 }, 99, 1 },
	{ { 98, 0, 0, 2 }, 99, 8 },   { { 989, 0, 0, 11 }, 99, 8 },
	{ { 990, 0, 0, 10 }, 99, 1 }, { { 0, 0, 0, 1000 }, 50, 8 },
	{ { 1, 1, 1, 1 }, 50, 2 },    { { UINT64_MAX / 2, 0, 0, 1 }, 99, 1 },
};

START_TEST(percentile)
{
	counters_number latency[COUNTERS_BUCKETS] = { 0 };

	for (int i = 0; i < 4; i++)
		counters_add(&latency[i], percentiles[_i].counts[i]);
	ck_assert_uint_eq(summary_percentile(latency, percentiles[_i].percent),
			  percentiles[_i].below);
}
END_TEST

/* No upper bound is known of the slowest: none may be claimed. */
START_TEST(slow)
{
	counters_number latency[COUNTERS_BUCKETS] = { 0 };

	counters_add(&latency[COUNTERS_BUCKETS - 2], 98);
	counters_add(&latency[COUNTERS_BUCKETS - 1], 2);
	ck_assert_uint_eq(summary_percentile(latency, 50), 4194304);
	ck_assert_uint_eq(summary_percentile(latency, 99), UINT64_MAX);
}
END_TEST

static char *printed(const struct counters *counters)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	summary_print(file, counters, "who", true);
	fclose(file);
	return text;
}

START_TEST(nothing_counted)
{
	static struct counters counters;

	AUTO_FREE char *text = printed(&counters);
	ck_assert_str_eq(text, "who: no atomic writes seen. Either the program made none, or it "
			       "bypasses libc (see: untorn run --check -- PROGRAM)\n");
}
END_TEST

START_TEST(garbage_is_printable)
{
	static struct counters counters;

	memset(&counters, 0xff, sizeof(counters));
	counters_set_name(&counters.slots[0], "a\033[2Jb\nc");
	AUTO_FREE char *text = printed(&counters);
	for (char *c = text; *c; c++)
		ck_assert(*c == '\n' || (*c >= ' ' && *c <= '~'));
	ck_assert_ptr_nonnull(strstr(text, "a?[2Jb?c"));
	json_object *object = summary_json(&counters);
	ck_assert(summary_print_json(stdout, object, false));
	json_object_put(object);
}
END_TEST

/* A process may give itself any name: the labels must escape it. */
START_TEST(garbage_is_no_metric)
{
	static struct counters counters;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct metrics *metrics = metrics_new();

	memset(&counters, 0xff, sizeof(counters));
	counters_set_name(&counters.slots[0], "a\"b\\c\nd");
	metrics_add(metrics, &counters, 1, "p\"\\");
	ck_assert(metrics_print(metrics, file));
	metrics_free(metrics);
	fclose(file);
	ck_assert_ptr_nonnull(
		strstr(text, "{pid=\"1\",program=\"p\\\"\\\\\",device=\"a\\\"b\\\\c?d\",door="));
	ck_assert_str_eq(text + size - 6, "# EOF\n");
	free(text);
}
END_TEST

START_TEST(a_histogram)
{
	static struct counters counters;
	struct counters_door *door = &counters.slots[0].doors[DOOR_LIBAIO];

	counters_add(&counters.processes, 1);
	counters_add(&counters.slots[0].key, 1);
	counters_add(&door->done, 11);
	counters_add(&door->latency[1], 10);
	counters_add(&door->latency[3], 1);
	counters_add(&door->latency[COUNTERS_BUCKETS - 1], 5);
	AUTO_FREE char *text = printed(&counters);
	ck_assert_ptr_nonnull(strstr(
		text,
		"     <       2 us         10 ##################################################\n"
		"     <       4 us          0 \n     <       8 us          1 #####\n"));
	ck_assert_ptr_nonnull(strstr(text, "    >= 4194304 us          5 #####"));
	ck_assert_ptr_nonnull(strstr(text, "   <2 >=4194304\n"));
	json_object *object = summary_json(&counters);
	const char *json = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	ck_assert_ptr_nonnull(strstr(json, "\"p50_us\":2,\"p99_us\":null,"));
	ck_assert_ptr_nonnull(strstr(json, "{\"below_us\":8,\"count\":1},"
					   "{\"below_us\":null,\"count\":5}]"));
	json_object_put(object);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("summary");
	TCase *tc = tcase_create("summary");

	tcase_add_loop_test(tc, percentile, 0, sizeof(percentiles) / sizeof(percentiles[0]));
	tcase_add_test(tc, slow);
	tcase_add_test(tc, nothing_counted);
	tcase_add_test(tc, garbage_is_printable);
	tcase_add_test(tc, garbage_is_no_metric);
	tcase_add_test(tc, a_histogram);
	suite_add_tcase(s, tc);
	return s;
}
