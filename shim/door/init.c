/* SPDX-License-Identifier: MIT */
/* Constructor, destructor and fork handler, each with its steps in order. The loader and fork()
 * call them. All else starts at first use; the constructor prepares only what costs nothing. */
#include <errno.h>
#include <pthread.h>

#include "async/aio_table.h"
#include "base/config.h"
#include "base/counters.h"
#include "base/deep.h"
#include "door/deep.h"
#include "async/files.h"
#include "device/hold.h"
#include "base/log.h"
#include "base/real.h"
#include "rules/reason.h"
#include "async/ring_op.h"
#include "async/ring_table.h"
#include "async/substitute.h"
#include "engine/worker.h"

static void after_fork(void)
{
	counters_after_fork();
	device_after_fork();
	hold_after_fork();
	worker_after_fork();
	aio_table_after_fork();
	files_after_fork();
	ring_op_after_fork();
	ring_table_after_fork();
	substitute_after_fork();
	entry_deep_thread_after_fork();
	deep_after_fork(); /* last: a call that it catches may need all that */
}

static void start_deep(void)
{
	int error = deep_start(entry_deep_trap);

	if (error && log_wants(LOG_ERROR))
		log_line("deep mode is not available%s: %s",
			 error == -ENOTSUP ? ", because valgrind makes the program's system calls"
					   : "",
			 reason_errno(error));
}

__attribute__((constructor)) static void start(void)
{
	real();
	struct config config = config_get();
	log_start();
	counters_start();
	pthread_atfork(NULL, NULL, after_fork);
	if (config.deep && config.mode != MODE_OFF)
		start_deep();
}

/* The kernel ends a process only after the writes that it has accepted; so do we. */
__attribute__((destructor)) static void end(void)
{
	ring_op_await_all();
	aio_table_await_all();
	deep_tell();
	counters_end(); /* last: all is counted */
}
