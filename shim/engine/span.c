/* SPDX-License-Identifier: MIT */
/* Start reading at ask_all(). */
#include "engine/span.h"

#include "device/cache.h"
#include "engine/account.h"

/* The works of one hold that still ask, and the range that they cover. */
struct span {
	const struct hold *hold;
	uint64_t first, end;
	unsigned count;
};

static bool is_in(const struct work *work, const struct span *span)
{
	return work->job.asks && work->job.hold == span->hold;
}

static struct span span_from(const struct work *works)
{
	struct span span = { .hold = works->job.hold, .first = UINT64_MAX };

	for (const struct work *work = works; work; work = work->next) {
		uint64_t first = work->job.request.offset, end = first + work->job.request.length;
		if (!is_in(work, &span))
			continue;
		span.first = first < span.first ? first : span.first;
		span.end = end > span.end ? end : span.end;
		span.count++;
	}
	return span;
}

static void refuse(struct work *work, int error)
{
	work->result = account_refused(engine_device(&work->job), &work->job.request, error);
	engine_drop(&work->job);
}

static void clear_one(struct work *work)
{
	int error = engine_ask(&work->job);

	if (error != REQUEST_GOOD)
		refuse(work, error);
}

static void finish_one(struct work *work)
{
	const struct request *request = &work->job.request;

	work->job.asks = false;
	cache_finish(work->job.hold->fd, request->offset, (uint32_t)request->length);
}

static void settle(struct work *works, const struct span *span, bool clear,
		   void (*one)(struct work *work))
{
	for (struct work *work = works; work; work = work->next) {
		if (is_in(work, span) && !clear)
			one(work);
		else if (is_in(work, span))
			work->job.asks = false;
	}
}

static void ask_all(struct work *works, bool (*is_clear)(int, uint64_t, uint64_t),
		    void (*one)(struct work *work))
{
	for (struct work *work = works; work; work = work->next) {
		if (!work->job.asks)
			continue;
		struct span span = span_from(work);
		settle(work, &span,
		       span.count > 1 && is_clear(span.hold->fd, span.first, span.end - span.first),
		       one);
	}
}

void span_before(struct work *works)
{
	ask_all(works, cache_is_clear, clear_one);
}

void span_after(struct work *works)
{
	ask_all(works, cache_has_no_page, finish_one);
}
