/* SPDX-License-Identifier: MIT */
/* The main thread keeps the time and draws the progress. SIGINT, SIGTERM and SIGHUP end the work;
 * the report still follows. */
#include "verify/crew.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { TICK_US = 50000, BAR = 24 };

static _Atomic bool over;

struct hand {
	void (*work)(void *context, unsigned number);
	void *context;
	unsigned number;
};

bool verify_crew_is_over(void)
{
	return atomic_load_explicit(&over, memory_order_relaxed);
}

void verify_crew_end(void)
{
	atomic_store(&over, true);
}

static void on_signal(int number)
{
	(void)number;
	atomic_store(&over, true);
}

/* The same signal may come again without harm: timeout(1), for one, may send it twice. SIGQUIT ends
 * a run whose disk hangs. SIGPIPE is ignored: a log into a pipe without a reader is an error like
 * any other. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void draw(const struct verify_report *report, double passed, double seconds)
{
	int full = seconds > 0 ? (int)(passed / seconds * BAR) : 0;

	fputc('\r', stderr);
	if (seconds > 0)
		fprintf(stderr, "[%.*s%*s] ", full > BAR ? BAR : full, "########################",
			full > BAR ? 0 : BAR - full, "");
	fprintf(stderr, "%.0f s, %" PRIu64 " writes, %" PRIu64 " reads, %" PRIu64 " found ", passed,
		(uint64_t)report->writes, (uint64_t)report->reads, verify_report_found(report));
}

static void wait_for_end(struct verify_report *report, double seconds)
{
	bool terminal = isatty(STDERR_FILENO);
	double start = now(), passed = 0;

	while (!verify_crew_is_over() && (seconds <= 0 || passed < seconds)) {
		if (terminal)
			draw(report, passed, seconds);
		usleep(TICK_US);
		passed = now() - start;
	}
	report->is_stopped = seconds > 0 && passed < seconds;
	verify_crew_end();
	if (terminal)
		fputs("\r\033[K", stderr);
	report->seconds = passed;
}

static void *start(void *argument)
{
	const struct hand *hand = argument;

	hand->work(hand->context, hand->number);
	return NULL;
}

int verify_crew_run(void (*work)(void *context, unsigned number), void *context, unsigned hands,
		    double seconds, struct verify_report *report)
{
	struct hand crew[VERIFY_MAX_HANDS];
	pthread_t threads[VERIFY_MAX_HANDS];
	unsigned started = 0;
	int error = 0;

	catch_signals();
	for (; started < hands && !error; started += !error) {
		crew[started] = (struct hand){ work, context, started };
		error = pthread_create(&threads[started], NULL, start, &crew[started]);
	}
	if (error)
		verify_crew_end();
	wait_for_end(report, seconds);
	while (started)
		pthread_join(threads[--started], NULL);
	return -error;
}
