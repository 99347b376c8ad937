/* SPDX-License-Identifier: MIT */
/* Tests the judgement of a page against the acknowledged writes: after the cut, and for a reader in
 * a race. */
#include "suite.h"
#include "verify/judge.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const struct {
	enum verify_state state;
	uint64_t sequence, acknowledged, index, kept_after;
	bool durable;
	enum verify_finding finding;
} rows[] = {
	/* The last acknowledged one, a later one, nothing acknowledged. */
	{ VERIFY_WHOLE, 8, 8, 5, 100, true, VERIFY_NONE },
	{ VERIFY_WHOLE, 9, 8, 5, 100, true, VERIFY_NONE },
	{ VERIFY_WHOLE, 0, 0, 0, 100, true, VERIFY_NONE },
	{ VERIFY_WHOLE, 3, 0, 0, 100, true, VERIFY_NONE },
	/* An older one: the last writes are missing, or some in the middle. */
	{ VERIFY_WHOLE, 7, 8, 5, 5, true, VERIFY_IS_LOST },
	{ VERIFY_WHOLE, 0, 8, 5, 0, true, VERIFY_IS_LOST },
	{ VERIFY_WHOLE, 7, 8, 5, 6, true, VERIFY_IS_DISORDERED },
	{ VERIFY_WHOLE, 0, 1, 1, 100, true, VERIFY_IS_DISORDERED },
	/* Only wholeness was promised. */
	{ VERIFY_WHOLE, 7, 8, 5, 6, false, VERIFY_NONE },
	{ VERIFY_TORN, 7, 8, 5, 6, false, VERIFY_IS_TORN },
	{ VERIFY_GARBLED, 0, 8, 5, 6, false, VERIFY_IS_GARBLED },
	{ VERIFY_TORN, 9, 8, 5, 6, true, VERIFY_IS_TORN },
	{ VERIFY_TORN, 9, 0, 0, 0, true, VERIFY_IS_TORN },
	{ VERIFY_GARBLED, 0, 0, 0, 0, true, VERIFY_IS_GARBLED },
};

START_TEST(judgement)
{
	struct verify_sight sight = { .state = rows[_i].state, .sequence = rows[_i].sequence };
	struct verify_known known = { rows[_i].acknowledged, rows[_i].index };

	ck_assert_int_eq(verify_judge_check(&sight, &known, rows[_i].durable, rows[_i].kept_after),
			 rows[_i].finding);
}
END_TEST

static const struct {
	enum verify_state state;
	uint64_t sequence, least;
	enum verify_finding finding;
} races[] = {
	{ VERIFY_WHOLE, 0, 0, VERIFY_NONE },    { VERIFY_WHOLE, 5, 5, VERIFY_NONE },
	{ VERIFY_WHOLE, 6, 5, VERIFY_NONE },    { VERIFY_WHOLE, 4, 5, VERIFY_IS_LOST },
	{ VERIFY_WHOLE, 0, 1, VERIFY_IS_LOST }, { VERIFY_TORN, 4, 5, VERIFY_IS_TORN },
	{ VERIFY_TORN, 6, 5, VERIFY_IS_TORN },  { VERIFY_GARBLED, 0, 5, VERIFY_IS_GARBLED },
};

START_TEST(judgement_of_a_race)
{
	struct verify_sight sight = { .state = races[_i].state, .sequence = races[_i].sequence };

	ck_assert_int_eq(verify_judge_race(&sight, races[_i].least), races[_i].finding);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("what is to be thought of a page");
	TCase *tc = tcase_create("rows");

	tcase_add_loop_test(tc, judgement, 0, COUNT(rows));
	tcase_add_loop_test(tc, judgement_of_a_race, 0, COUNT(races));
	suite_add_tcase(s, tc);
	return s;
}
