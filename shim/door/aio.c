/* SPDX-License-Identifier: MIT */
/*
 * libaio's functions, which are thin: we make the system calls in their stead, however that library
 * makes them. Like it they return -errno. The types are the kernel's, whose layout libaio shares.
 * LIBAIO_0.1's io_getevents, for programs from before 2003, took other arguments: it is not served.
 */
#include "async/aio.h"
#include "door/entry.h"

int io_submit(aio_context_t context, long count, struct iocb **iocbs);
int io_getevents(aio_context_t context, long least, long most, struct io_event *events,
		 struct timespec *timeout);
int io_pgetevents(aio_context_t context, long least, long most, struct io_event *events,
		  struct timespec *timeout, const sigset_t *mask);
int io_cancel(aio_context_t context, struct iocb *iocb, struct io_event *event);
int io_destroy(aio_context_t context);
int io_queue_release(aio_context_t context);
int io_queue_run(aio_context_t context);

typedef void callback(aio_context_t context, struct iocb *iocb, long res, long res2);

EXPORT int io_submit(aio_context_t context, long count, struct iocb **iocbs)
{
	return (int)aio_submit(context, count, iocbs);
}

/* Where nothing has come and nobody wants to wait, libaio looks at the ring and makes no system
 * call (fs/aio.c: struct aio_ring). */
static int is_empty(aio_context_t context)
{
	const unsigned *ring = (const unsigned *)context; /* id, nr, head, tail, magic */

	return ring[4] == 0xa10a10a1 && __atomic_load_n(&ring[2], __ATOMIC_RELAXED) ==
						__atomic_load_n(&ring[3], __ATOMIC_ACQUIRE);
}

EXPORT int io_getevents(aio_context_t context, long least, long most, struct io_event *events,
			struct timespec *timeout)
{
	if (context && timeout && !timeout->tv_sec && !timeout->tv_nsec && is_empty(context))
		return 0;
	return (int)aio_getevents(context, least, most, events, timeout);
}

EXPORT int io_pgetevents(aio_context_t context, long least, long most, struct io_event *events,
			 struct timespec *timeout, const sigset_t *mask)
{
	struct aio_sigset set = { mask, _NSIG / 8 };

	return (int)aio_pgetevents(context, least, most, events, timeout, &set);
}

EXPORT int io_cancel(aio_context_t context, struct iocb *iocb, struct io_event *event)
{
	return (int)aio_cancel(context, iocb, event);
}

EXPORT int io_destroy(aio_context_t context)
{
	return (int)aio_destroy(context);
}

EXPORT int io_queue_release(aio_context_t context)
{
	return (int)aio_destroy(context);
}

EXPORT int io_queue_run(aio_context_t context)
{
	struct timespec now = { 0, 0 };
	struct io_event event;
	int count;

	while ((count = (int)aio_getevents(context, 0, 1, &event, &now)) == 1) {
		callback *call = (callback *)(uintptr_t)event.data;
		call(context, (struct iocb *)(uintptr_t)event.obj, event.res, event.res2);
	}
	return count;
}
