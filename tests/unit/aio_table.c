/* SPDX-License-Identifier: MIT */
/* Tests the eventfds that bring libaio's events, through the ring of the thread that did the write.
 */
#include <linux/aio_abi.h>
#include <poll.h>

#include "async/aio_table.h"
#include "engine/own_ring.h"
#include "suite.h"

enum { CONTEXT = 1, DATA = 7, RESULT = 512 };

static struct iocb iocb = { .aio_data = DATA };
static struct flight flight;

static bool is_ready(const struct aio_op *op, unsigned events)
{
	struct pollfd poll_one = { op->signal.fd, (short)events, 0 };

	return poll(&poll_one, 1, 0) == 1;
}

static void finish(struct aio_op *op)
{
	op->work.result = RESULT;
	aio_table_done(op, &flight);
	while (flight.under_way)
		flight_advance(&flight);
}

static void fetch(void)
{
	struct io_event event = { .obj = (uintptr_t)&iocb, .data = DATA };

	aio_table_fetch(CONTEXT, &event, 1);
	ck_assert_int_eq(event.res, RESULT);
	ck_assert(!aio_table_has(CONTEXT, &iocb));
}

/* The event comes once for each write, and the same eventfd serves the next one at once. */
START_TEST(signals_go_to_and_fro)
{
	for (int i = 0; i < 6; i++) {
		struct aio_op *op = aio_table_add(CONTEXT, &iocb, true);
		unsigned events = aio_signal_events(&op->signal);
		ck_assert_uint_eq(events, i & 1 ? POLLOUT : POLLIN);
		ck_assert(!is_ready(op, events) && aio_table_has(CONTEXT, &iocb));
		finish(op);
		ck_assert(is_ready(op, events));
		fetch();
	}
}
END_TEST

/* The flight believes that the ring has the eventfd, but it does not. */
START_TEST(event_that_the_ring_does_not_bring)
{
	struct aio_op *op = aio_table_add(CONTEXT, &iocb, true);

	flight.signals[op->signal.kept].made = 1;
	ck_assert(!is_ready(op, POLLIN));
	finish(op);
	ck_assert(is_ready(op, POLLIN));
	fetch();
}
END_TEST

static void open_flight(void)
{
	ck_assert(flight_open(&flight));
}

Suite *suite(void)
{
	Suite *suite = suite_create("writes by libaio");
	TCase *tc = tcase_create("signals");

	suite_add_tcase(suite, tc);
	if (!own_ring_can(OWN_RING_POSTS))
		suite_skip("this kernel has no IORING_OP_MSG_RING, or no io_uring at all");
	tcase_add_checked_fixture(tc, open_flight, NULL);
	tcase_add_test(tc, signals_go_to_and_fro);
	tcase_add_test(tc, event_that_the_ring_does_not_bring);
	return suite;
}
