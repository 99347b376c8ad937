/* SPDX-License-Identifier: MIT */
/* Collects the findings of rules/place.h and rules/stack.h into evidence. Start reading at
 * way_examine(), at the end. */
#include "doctor/way.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "doctor/way_advice.h"
#include "stack/place.h"
#include "stack/stack.h"

uint64_t way_parse_page(const char *text)
{
	enum { LEAST = 512, MOST = 1 << 20 };
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	unsigned long long page = strtoull(text, &end, 10);
	if (*end == 'k' || *end == 'K') {
		page *= page > MOST ? 0 : 1024;
		end++;
		if (strcmp(end, "iB") == 0 || strcmp(end, "B") == 0)
			end += strlen(end);
	}
	return *end || page < LEAST || page > MOST || (page & (page - 1)) ? 0 : page;
}

/* The finding that decides so far: NO wins over UNKNOWN, a higher layer over a lower one. */
struct decision_so_far {
	enum stack_answer answer;
	char why[224];
};

static void decide(struct decision_so_far *so_far, enum stack_answer answer, const char *why)
{
	bool is_worse = answer != STACK_YES && so_far->answer != STACK_NO &&
			(answer == STACK_NO || so_far->answer == STACK_YES);

	if (!is_worse)
		return;
	so_far->answer = answer;
	snprintf(so_far->why, sizeof(so_far->why), "%s", why);
}

static void add(struct evidence *e, struct decision_so_far *so_far, const char *group,
		const char *name, enum stack_answer answer, const char *text)
{
	static const char *const marks[] = { "yes", "NO", "cannot tell" };
	char why[224];

	evidence_fact(e, group, name, "%s: %s", marks[answer], text);
	snprintf(why, sizeof(why), "%s: %s", group, text);
	decide(so_far, answer, why);
}

/* The conditions were measured on Linux 6.1 and later. */
static void look_at_kernel(struct evidence *e, struct decision_so_far *so_far)
{
	struct utsname kernel;
	unsigned major_number = 0, minor_number = 0;
	char text[160];

	uname(&kernel);
	sscanf(kernel.release, "%u.%u", &major_number, &minor_number);
	bool is_known = major_number > 6 || (major_number == 6 && minor_number >= 1);
	snprintf(text, sizeof(text), "Linux %.64s%s", kernel.release,
		 is_known ? "" : "; untorn knows the rules of Linux 6.1 and later only");
	add(e, so_far, "kernel", "release", is_known ? STACK_YES : STACK_UNKNOWN, text);
}

static void look_at_place(const struct place *place, const struct way_options *options,
			  struct evidence *e, struct decision_so_far *so_far)
{
	struct place_finding findings[PLACE_CONDITIONS];
	unsigned count = place_judge(place, options->page, findings);
	char text[192];

	for (unsigned i = 0; i < count; i++) {
		way_say_place(place, options->page, &findings[i], text);
		add(e, so_far, "file", way_place_condition(findings[i].condition),
		    findings[i].answer, text);
		way_advise_place(place, options->page, &findings[i], e);
	}
}

static void look_at_stack(const struct stack *stack, uint64_t page, uint64_t align,
			  struct evidence *e, struct decision_so_far *so_far)
{
	static struct stack_finding findings[STACK_FINDINGS];
	unsigned count = stack_judge(stack, page, align, findings);
	char text[192];

	for (unsigned i = 0; i < count; i++) {
		way_say_stack(&findings[i], text);
		add(e, so_far, findings[i].layer->name, way_stack_condition(findings[i].condition),
		    findings[i].answer, text);
		way_advise_stack(&findings[i], page, e);
	}
}

static void put_reason(const struct decision_so_far *so_far, const struct place *place,
		       struct evidence *e)
{
	static const char *const answers[] = { "yes", "no, because ", "cannot tell: " };
	char *reason = e->conclusion + e->reason;
	size_t room = sizeof(e->conclusion) - e->reason;

	if (so_far->answer == STACK_YES && place->seen < place->pages)
		snprintf(reason, room, "yes, for the %llu of %llu pages that were checked",
			 (unsigned long long)place->seen, (unsigned long long)place->pages);
	else
		snprintf(reason, room, "%s%.140s", answers[so_far->answer], so_far->why);
}

static void conclude(const struct decision_so_far *so_far, const struct place *place, uint64_t page,
		     struct evidence *e)
{
	static const enum verdict verdicts[] = { VERDICT_YES, VERDICT_NO, VERDICT_UNKNOWN };
	char size[32];

	e->verdict = verdicts[so_far->answer];
	e->lane = "plain";
	e->page = (unsigned)page;
	e->unit_min = e->unit_max = so_far->answer == STACK_YES ? (unsigned)page : 0;
	e->reason = (size_t)snprintf(e->conclusion, sizeof(e->conclusion),
				     "a page of %s written with O_DIRECT is one command on this "
				     "path: ",
				     way_size(page, size));
	put_reason(so_far, place, e);
}

static void say_what_it_is_worth(struct evidence *e)
{
	static const char group[] = "what a yes is worth";

	evidence_fact(e, group, "for whom",
		      "whole pages at multiples of their size, by O_DIRECT, from memory aligned to "
		      "4096 bytes, one call each");
	evidence_fact(
		e, group, "how long",
		"until somebody changes a setting, the volume or the file; the kernel refuses "
		"nothing then, for a plain write has no flag");
	evidence_fact(e, group, "not while", "a process has the same pages mapped and dirty");
}

static void tell_progress(uint64_t seen, uint64_t of)
{
	fprintf(stderr, "\r%llu %% of %llu pages", (unsigned long long)(seen * 100 / of),
		(unsigned long long)of);
	fflush(stderr);
}

static int look_at_file(const char *path, const struct way_options *options, struct evidence *e,
			struct decision_so_far *so_far, struct place *place)
{
	bool tells = !options->quiet && isatty(STDERR_FILENO);

	int error = place_describe(path, options->page, options->sample,
				   tells ? tell_progress : NULL, place);
	if (tells)
		fprintf(stderr, "\r\033[K");
	if (!error)
		look_at_place(place, options, e, so_far);
	return error;
}

int way_examine(const char *path, const struct way_options *options, struct evidence *e)
{
	static struct stack stack;
	struct decision_so_far so_far = { .answer = STACK_YES };
	struct place place = { .align = options->page };
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	look_at_kernel(e, &so_far);
	if (S_ISBLK(st.st_mode)) {
		place.device = st.st_rdev;
	} else {
		int error = look_at_file(path, options, e, &so_far, &place);
		if (error)
			return error;
	}
	if (place.device) {
		stack_describe(place.device, &stack);
		look_at_stack(&stack, options->page, place.align, e, &so_far);
	}
	say_what_it_is_worth(e);
	conclude(&so_far, &place, options->page, e);
	return 0;
}
