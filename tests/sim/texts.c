/* SPDX-License-Identifier: MIT */
/* UNTORN_SIM as a whole: texts that describe no disk, or an image that is not available, and the
 * messages about them. */
#include "again.h"

#include <errno.h>
#include <fcntl.h>

/* Texts that do not even describe a node. @ stands for the image's path. */
static void whole_texts(void)
{
	static const struct {
		const char *text, *body;
	} rows[] = {
		{ "nonsense", "not_there" },
		{ DISK, "does_not_open_at_all" },
		{ DISK ",size=1M", "does_not_open_at_all" },
		{ "=@", "not_there" },
		{ DISK "=", "does_not_open_at_all" },
		{ DISK "=,size=1M", "does_not_open_at_all" },
		{ DISK "=@,", "does_not_open_at_all" },
		{ DISK "=@,,size=1M", "does_not_open_at_all" },
	};
	char said[1024], sim[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = strchr(rows[i].text, '@');
		size_t head = at ? (size_t)(at - rows[i].text) : strlen(rows[i].text);
		snprintf(sim, sizeof(sim), "%.*s%s%s", (int)head, rows[i].text,
			 at ? image_path() : "", at ? at + 1 : "");
		int status = run_again(rows[i].body, sim, said);
		if (status)
			fprintf(stderr, "%s: %s", sim, said);
		want(status == 0);
		want_said(said, SAYS SEE);
	}
}

static void does_not_open_at_all(void)
{
	want_error(open(DISK, O_RDWR), ENXIO);
}

static void not_there(void)
{
	want_error(open(DISK, O_RDWR), ENOENT);
	want(open("/dev/null", O_RDWR) >= 0);
}

static void not_there_often(void)
{
	for (int i = 0; i < 3; i++)
		want_error(open(DISK, O_RDWR), ENOENT);
}

static void image_is_named(void)
{
	char said[1024];

	want(run_again("not_there_often", DISK "=/nowhere/image", said) == 0);
	want_said(said, "libuntorn-sim: /nowhere/image: No such file or directory\n");
}

/* A text too long for its memory is refused as a whole, never cut. */
static void too_long(void)
{
	char sim[2048], said[1024], *all = buffer(5000, 'x');
	int length = snprintf(sim, sizeof(sim), DISK "=%s", image_path());

	while (length < 1100)
		length += snprintf(sim + length, sizeof(sim) - (size_t)length, ",seed=1");
	want(run_again("does_not_open_at_all", sim, said) == 0);
	want_said(said, SAYS SEE);
	memset(sim, 'x', 200);
	sim[0] = '/';
	snprintf(sim + 120, sizeof(sim) - 120, "=%s", image_path());
	want(run_again("not_there", sim, said) == 0);
	want_said(said, SAYS SEE);
	all[4999] = '\0';
	want(run_again("not_there", all, said) == 0);
	want_said(said, SAYS ", at: its length" SEE);
}

/* An empty UNTORN_SIM counts as unset. */
static void empty(void)
{
	char said[1024];

	want(run_again("not_there", "", said) == 0);
	want_said(said, "");
}

const struct body bodies[] = {
	{ "whole_texts", whole_texts },
	{ "does_not_open_at_all", does_not_open_at_all },
	{ "not_there", not_there },
	{ "not_there_often", not_there_often },
	{ "image_is_named", image_is_named },
	{ "too_long", too_long },
	{ "empty", empty },
	{ NULL, NULL },
};

static const struct preload_row rows[] = {
	{ "whole_texts", "", NULL, -1 },
	{ "image_is_named", "", NULL, -1 },
	{ "too_long", "", NULL, -1 },
	{ "empty", "", NULL, -1 },
};

Suite *suite(void)
{
	return preload_suite("texts", rows, sizeof(rows) / sizeof(rows[0]));
}
