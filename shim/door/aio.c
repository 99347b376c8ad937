/* SPDX-License-Identifier: MIT */
/*
 * The door for libaio: programs call these functions in place of libaio's. async/aio.h makes the
 * system calls, however libaio itself makes them. Like libaio, each function returns -errno. The
 * types are the kernel's; libaio's have the same layout.
 *
 * Not served: io_getevents of version LIBAIO_0.1, which has other arguments, for programs from
 * before 2003.
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

/* True if no event is there. libaio looks at the ring too (fs/aio.c: struct aio_ring): it then
 * answers a call that does not wait without a system call. */
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
