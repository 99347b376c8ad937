/* SPDX-License-Identifier: MIT */
/* Follows fs/aio.c (aio_prep_rw(), aio_write()) and io_uring/rw.c (io_prep_rw(), io_rw_init_file(),
 * io_write()) of Linux 6.12. Start reading at entrance_check(). */
#include "rules/entrance.h"

#include <errno.h>
#include <stddef.h>

#include "rules/request.h"
#include "untorn_uapi.h"

typedef int check(const struct entrance *e, const struct limits *limits);

static int is_open(const struct entrance *e, const struct limits *limits)
{
	(void)limits;
	return e->open ? 0 : -EBADF;
}

static int is_writable(const struct entrance *e, const struct limits *limits)
{
	(void)limits;
	return e->writable ? 0 : -EBADF;
}

static int import(const struct entrance *e, const struct limits *limits)
{
	(void)limits;
	return e->import;
}

static int flags(const struct entrance *e, const struct limits *limits)
{
	return request_check_flags(e->rwf, limits);
}

/* A ring with IORING_SETUP_IOPOLL needs a write that can be polled, an O_DIRECT one. Without it
 * nobody would poll, so RWF_HIPRI is refused. */
static int polled(const struct entrance *e, const struct limits *limits)
{
	(void)limits;
	if (e->form == FORM_POLLED)
		return e->direct ? 0 : -EOPNOTSUPP;
	return e->rwf & RWF_HIPRI ? -EINVAL : 0;
}

static int range(const struct entrance *e, const struct limits *limits)
{
	(void)limits;
	if (e->offset < 0)
		return e->form != FORM_AIO && e->offset == -1 ? 0 : -EINVAL;
	return e->length > (uint64_t)(INT64_MAX - e->offset) ? -EINVAL : 0;
}

/* Most writes pass every check, and need no order. False: the checks must decide. */
static bool passes_all(const struct entrance *e, const struct limits *limits)
{
	return e->open && e->writable && e->direct && !e->import && limits->unit_max &&
	       !(e->rwf & ~(RWF_ATOMIC | RWF_DSYNC | RWF_SYNC)) && e->offset >= 0 &&
	       e->length <= (uint64_t)(INT64_MAX - e->offset);
}

int entrance_check(const struct entrance *entrance, const struct limits *limits)
{
	static check *const orders[][7] = {
		[FORM_CALL] = { NULL },
		[FORM_AIO] = { is_open, flags, is_writable, import, range },
		[FORM_RING] = { import, is_open, is_writable, flags, polled, range },
		[FORM_POLLED] = { import, is_open, is_writable, flags, polled, range },
	};
	int error = 0;

	if (passes_all(entrance, limits))
		return 0;
	for (check *const *next = orders[entrance->form]; *next && !error; next++)
		error = (*next)(entrance, limits);
	return error;
}
