/* SPDX-License-Identifier: MIT */
/* Tests that a ring is known by itself, not by its number: numbers become other files', or have
 * duplicates. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/ring_table.h"
#include "suite.h"

static int make_ring(struct io_uring_params *ret_params)
{
	*ret_params = (struct io_uring_params){ .flags = 0 };
	int fd = (int)syscall(SYS_io_uring_setup, 4, ret_params);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static int raw(void)
{
	struct io_uring_params params;
	int fd = make_ring(&params);

	ring_table_add(fd, &params);
	return fd;
}

static bool is_known(int fd)
{
	struct ring *ring = ring_table_get((unsigned)fd, false);

	if (ring)
		ring_table_put(ring);
	return ring;
}

/* The id of the number's ring; 0: it is no ring. */
static uint32_t id_of_any(int fd)
{
	struct ring *ring = ring_table_get_any(fd);

	if (!ring)
		return 0;
	ring_table_put(ring);
	return ring->id;
}

static uint32_t id_of(int fd, const void *head, bool by_number)
{
	struct ring *ring = ring_table_get_prepared(fd, head, by_number);

	if (!ring)
		return 0;
	ring_table_put(ring);
	return ring->id;
}

static uint32_t id_of_prepared(int fd, const void *head)
{
	return id_of(fd, head, true);
}

START_TEST(from_its_setup_to_its_close)
{
	int fd = raw();

	ck_assert(is_known(fd) && !is_known(fd + 1) && !is_known(-1));
	ring_table_before_close((unsigned)fd + 1, ~0U);
	ck_assert(is_known(fd));
	ring_table_before_close(0, (unsigned)fd);
	ck_assert(!is_known(fd));
}
END_TEST

START_TEST(a_duplicate_is_the_same_ring)
{
	int one = raw(), two = raw(), again = dup(one), null = open("/dev/null", O_RDWR);

	ck_assert(id_of_any(one) && id_of_any(one) == id_of_any(again));
	ck_assert(id_of_any(one) != id_of_any(two) && !id_of_any(null) && !id_of_any(-1));
	/* The number becomes another ring's, past the doors. */
	ck_assert_int_eq(dup2(two, one), one);
	ck_assert_uint_eq(id_of_any(one), id_of_any(two));
	ck_assert_uint_ne(id_of_any(again), id_of_any(two));
}
END_TEST

START_TEST(liburing_maps_a_ring_anew)
{
	struct io_uring_params params;
	static const char heads[3];
	int one = make_ring(&params), two = make_ring(&params);

	ring_table_note(one, 0, &heads[0]);
	uint32_t id = id_of_prepared(one, &heads[0]);
	ck_assert(id && !is_known(one) && !id_of(one, &heads[1], false));
	ck_assert_uint_eq(id_of_prepared(one, &heads[1]), id);
	ring_table_note_mapped(one, 0, &heads[2]);
	ck_assert_uint_eq(id_of_prepared(one, &heads[2]), id);
	/* Another ring gets its number. */
	ck_assert_int_eq(dup2(two, one), one);
	ck_assert_uint_eq(id_of_prepared(one, &heads[1]), 0);
	ring_table_note(one, 0, &heads[1]);
	ck_assert_uint_ne(id_of_prepared(one, &heads[1]), id);
}
END_TEST

START_TEST(one_that_is_in_use_stays_mapped)
{
	int fd = raw();
	struct ring *ring = ring_table_get((unsigned)fd, false);

	ring_table_before_close((unsigned)fd, (unsigned)fd);
	int other = raw();
	ck_assert(!is_known(fd) && *ring->map.sq_head == 0);
	ring_table_put(ring);
	ck_assert(is_known(other));
}
END_TEST

static void *may_submit(void *ring)
{
	return ring_table_may_submit(ring, IORING_SETUP_SINGLE_ISSUER) ? ring : NULL;
}

START_TEST(one_issuer)
{
	int fd = raw(), status;
	struct ring *ring = ring_table_get((unsigned)fd, false);
	pthread_t thread;
	void *other;

	ck_assert(may_submit(ring) && !may_submit(NULL));
	ck_assert(ring_table_may_submit(NULL, 0) &&
		  !ring_table_may_submit(ring, IORING_SETUP_R_DISABLED));
	pthread_create(&thread, NULL, may_submit, ring);
	pthread_join(thread, &other);
	ck_assert_ptr_null(other);
	pid_t child = fork();
	if (child == 0)
		_exit(may_submit(ring) != NULL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* More rings than the table has room for: the rest are unknown, until a place is free again. */
START_TEST(many)
{
	enum { MANY = 300 };
	int fds[MANY], known = 0;

	for (int i = 0; i < MANY; i++) {
		fds[i] = raw();
		known += is_known(fds[i]);
	}
	ck_assert_int_eq(known, 256);
	ring_table_before_close((unsigned)fds[7], (unsigned)fds[7]);
	ck_assert(is_known(raw()) && !is_known(raw()));
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("table of rings");
	TCase *tc = tcase_create("rings");
	struct io_uring_params params = { .flags = 0 };

	suite_add_tcase(suite, tc);
	if (syscall(SYS_io_uring_setup, 4, &params) < 0)
		suite_skip("no io_uring here");
	tcase_add_test(tc, from_its_setup_to_its_close);
	tcase_add_test(tc, a_duplicate_is_the_same_ring);
	tcase_add_test(tc, liburing_maps_a_ring_anew);
	tcase_add_test(tc, one_that_is_in_use_stays_mapped);
	tcase_add_test(tc, one_issuer);
	tcase_add_test(tc, many);
	return suite;
}
