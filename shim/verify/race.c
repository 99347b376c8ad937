/* SPDX-License-Identifier: MIT */
/*
 * Start reading at verify_race(). All hands work on the same few pages, and move on to others after
 * a while. struct page, under the one lock, tells which writes of a page are under way. Once a
 * write is done, all writes that were done before it began are gone for good: no reader may see
 * them any more.
 */
#include "verify/race.h"

#include <errno.h>
#include <stdlib.h>

#include "verify/crew.h"

enum { WRITERS = 2, READERS = 2, HOT = 3, WRITES_PER_PLACE = 60 };

struct page {
	uint64_t issued;             /* the last write that was begun */
	uint64_t least;              /* the oldest write that a reader may still see */
	uint64_t under_way[WRITERS]; /* 0: none */
};

struct race {
	const struct verify_target *target;
	struct verify_report *report;
	struct page *pages;
	pthread_mutex_t lock;
};

static uint64_t oldest_under_way(const struct page *page)
{
	uint64_t oldest = UINT64_MAX;

	for (int i = 0; i < WRITERS; i++) {
		if (page->under_way[i] && page->under_way[i] < oldest)
			oldest = page->under_way[i];
	}
	return oldest;
}

/* Returns the new write's number. *ret_oldest: the oldest write that may still be seen once this
 * one is done. */
static uint64_t begin(struct race *race, struct page *page, unsigned writer, uint64_t *ret_oldest)
{
	pthread_mutex_lock(&race->lock);
	uint64_t sequence = ++page->issued;
	page->under_way[writer] = sequence;
	*ret_oldest = oldest_under_way(page);
	pthread_mutex_unlock(&race->lock);
	return sequence;
}

static void end(struct race *race, struct page *page, unsigned writer, uint64_t oldest, bool done)
{
	pthread_mutex_lock(&race->lock);
	page->under_way[writer] = 0;
	if (done && oldest > page->least)
		page->least = oldest;
	pthread_mutex_unlock(&race->lock);
}

/* Returns one of the HOT pages of now; the next HOT follow after WRITES_PER_PLACE writes. */
static uint32_t pick(struct race *race, uint64_t random)
{
	uint64_t place = race->report->writes / WRITES_PER_PLACE;

	return (uint32_t)((place * HOT + random % HOT) % race->target->layout.pages);
}

static void give_up(struct race *race, const char *what, struct verify_place place, int error)
{
	verify_report_fail(race->report, what, place, -error);
	verify_crew_end();
}

static void write_one(struct race *race, unsigned writer, uint32_t number, void *buffer)
{
	struct page *page = &race->pages[number];
	struct verify_place place = verify_layout_place(&race->target->layout, number);
	struct verify_tag tag = { .run = race->target->layout.run,
				  .offset = place.offset,
				  .length = place.length,
				  .writer = writer };
	uint64_t oldest;

	tag.sequence = begin(race, page, writer, &oldest);
	int error = verify_target_write(race->target, buffer, &tag, false);
	end(race, page, writer, oldest, !error);
	if (error)
		give_up(race, "writing", place, error);
	else
		race->report->writes++;
}

static void read_one(struct race *race, uint32_t number, void *buffer)
{
	struct verify_place place = verify_layout_place(&race->target->layout, number);

	pthread_mutex_lock(&race->lock);
	uint64_t least = race->pages[number].least;
	pthread_mutex_unlock(&race->lock);
	int error = verify_target_read(race->target, buffer, place);
	if (error) {
		give_up(race, "reading", place, error);
		return;
	}
	struct verify_sight sight =
		verify_page_look(buffer, race->target->layout.run, place.offset, place.length);
	enum verify_finding finding = verify_judge_race(&sight, least);
	if (finding)
		verify_report_add(race->report, finding, place, &sight, least);
	race->report->reads++;
}

static void hand(void *context, unsigned number)
{
	struct race *race = context;
	void *buffer = verify_target_buffer(race->target);

	if (!buffer)
		give_up(race, "allocating a buffer", (struct verify_place){ 0 }, -ENOMEM);
	for (uint64_t n = 0; !verify_crew_is_over(); n++) {
		uint32_t page = pick(race, verify_random(number, n));
		if (number < WRITERS)
			write_one(race, number, page, buffer);
		else
			read_one(race, page, buffer);
	}
	free(buffer);
}

int verify_race(const struct verify_target *target, double seconds, struct verify_report *report)
{
	struct race race = { .target = target,
			     .report = report,
			     .pages = calloc(target->layout.pages, sizeof(*race.pages)),
			     .lock = PTHREAD_MUTEX_INITIALIZER };

	int error = race.pages ? verify_crew_run(hand, &race, WRITERS + READERS, seconds, report)
			       : -ENOMEM;
	free(race.pages);
	return error;
}
