/* SPDX-License-Identifier: MIT */
/* untorn verify --check: reads every page first and judges them afterwards, because the verdict on
 * a lost write depends on what else survived. One thread; it writes nothing. */
#include "verify/power.h"

#include <errno.h>
#include <stdlib.h>

struct seen {
	struct verify_sight sight;
	int error;
};

/* Reads all pages. Returns the largest `after` of the whole ones. */
static uint64_t look(const struct verify_target *target, void *buffer, struct seen *ret_seen,
		     struct verify_report *report)
{
	uint64_t kept_after = 0;

	for (uint32_t i = 0; i < target->layout.pages; i++) {
		struct verify_place place = verify_layout_place(&target->layout, i);
		ret_seen[i].error = verify_target_read(target, buffer, place);
		if (ret_seen[i].error)
			continue;
		report->reads++;
		ret_seen[i].sight =
			verify_page_look(buffer, target->layout.run, place.offset, place.length);
		if (ret_seen[i].sight.state == VERIFY_WHOLE && ret_seen[i].sight.after > kept_after)
			kept_after = ret_seen[i].sight.after;
	}
	return kept_after;
}

static void judge(const struct verify_history *history, uint32_t page, const struct seen *seen,
		  uint64_t kept_after, struct verify_report *report)
{
	const struct verify_known *known = &history->pages[page];
	struct verify_place place = verify_layout_place(&history->layout, page);

	if (seen->error) {
		verify_report_add(report, VERIFY_IS_UNREADABLE, place, &seen->sight,
				  (uint64_t)-seen->error);
		return;
	}
	enum verify_finding finding =
		verify_judge_check(&seen->sight, known, history->durable, kept_after);
	if (finding)
		verify_report_add(report, finding, place, &seen->sight, known->sequence);
	else if (seen->sight.sequence < known->sequence)
		report->behind++;
}

int verify_check(int fd, const struct verify_history *history, struct verify_report *report)
{
	struct verify_target target = { .fd = fd, .layout = history->layout };
	struct seen *seen = calloc(history->layout.pages, sizeof(*seen));
	void *buffer = verify_target_buffer(&target);
	bool ready = seen && buffer;

	report->acknowledged = history->acknowledged;
	report->damaged = history->damaged;
	if (ready) {
		uint64_t kept_after = look(&target, buffer, seen, report);
		for (uint32_t i = 0; i < history->layout.pages; i++)
			judge(history, i, &seen[i], kept_after, report);
	}
	free(buffer);
	free(seen);
	return ready ? 0 : -ENOMEM;
}
