/* SPDX-License-Identifier: MIT */
/*
 * untorn verify --power-cut. Each page has one writer, so its writes have an order. A write notes
 * in the page itself how many records were in the log when it began (`after`). If that write
 * survives the cut, the writes of all these records should have survived too. The only lock is the
 * log's.
 */
#include "verify/power.h"

#include <errno.h>
#include <stdlib.h>

#include "verify/crew.h"

enum { WRITERS = 4 };

struct power {
	const struct verify_target *target;
	struct verify_report *report;
	struct verify_log log;
	_Atomic uint64_t sequence;
	bool durable;
};

static void give_up(struct power *power, const char *what, struct verify_place place, int error)
{
	verify_report_fail(power->report, what, place, -error);
	verify_crew_end();
}

/* Writes `count` pages from number `first` on, then logs them. Several only in a dense layout. */
static void write_run(struct power *power, unsigned writer, uint32_t first, unsigned count,
		      void *buffer)
{
	struct verify_place place = verify_layout_place(&power->target->layout, first);
	struct verify_tag tags[VERIFY_RUN];

	for (unsigned i = 0; i < count; i++) {
		struct verify_place own = verify_layout_place(&power->target->layout, first + i);
		tags[i] = (struct verify_tag){
			.run = power->target->layout.run,
			.sequence = ++power->sequence,
			.after = power->log.count,
			.offset = own.offset,
			.length = own.length,
			.writer = writer,
		};
	}
	int error = verify_target_write_run(power->target, buffer, tags, count, power->durable);
	if (error) {
		give_up(power, "writing", place, error);
		return;
	}
	power->report->writes += count;
	for (unsigned i = 0; i < count && !error; i++)
		error = verify_log_acknowledge(&power->log, first + i, tags[i].sequence);
	if (error)
		give_up(power, "logging the write", place, error);
}

static unsigned writers(const struct verify_target *target)
{
	return target->layout.pages < WRITERS ? target->layout.pages : WRITERS;
}

/* Writes a random one of the `own` pages of this writer, who has every fourth page. */
static void write_scattered(struct power *power, unsigned number, uint64_t random, void *buffer)
{
	unsigned hands = writers(power->target);
	uint32_t own = (power->target->layout.pages - number + hands - 1) / hands;

	write_run(power, number, (uint32_t)(random % own) * hands + number, 1, buffer);
}

/* Writes neighbouring pages of this writer's part at once, so that the kernel may merge them. */
static void write_dense(struct power *power, unsigned number, uint64_t random, void *buffer)
{
	uint32_t own = power->target->layout.pages / writers(power->target);
	uint32_t at = (uint32_t)(random % own);
	unsigned count = 1 + (random >> 32) % VERIFY_RUN;

	write_run(power, number, number * own + at, count < own - at ? count : own - at, buffer);
}

static void hand(void *context, unsigned number)
{
	struct power *power = context;
	void *buffer = verify_target_buffer(power->target);

	if (!buffer)
		give_up(power, "allocating a buffer", (struct verify_place){ 0 }, -ENOMEM);
	for (uint64_t n = 0; !verify_crew_is_over(); n++) {
		uint64_t random = verify_random(power->target->layout.run + number, n);
		(power->target->is_plain ? write_dense : write_scattered)(power, number, random,
									  buffer);
	}
	free(buffer);
}

int verify_power(const struct verify_target *target, int log, bool durable, double seconds,
		 struct verify_report *report)
{
	struct power power = { .target = target, .report = report, .durable = durable };

	int error = verify_log_start(&power.log, log, &target->layout, durable);
	if (!error)
		error = verify_crew_run(hand, &power, writers(target), seconds, report);
	if (!error)
		error = verify_log_finish(&power.log);
	report->acknowledged = power.log.count ? power.log.count - 1 : 0;
	return error;
}
