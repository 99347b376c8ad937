/* SPDX-License-Identifier: MIT */
#include "async/aio_habit.h"

enum { OFTEN = 8 };

static __thread struct habit {
	aio_context_t context;
	long under_way;  /* as far as this thread submitted and fetched them */
	unsigned waited; /* successive operations, each of which it waited for */
} habit __attribute__((tls_model("initial-exec")));

void aio_habit_submitted(aio_context_t context, long accepted)
{
	if (accepted <= 0)
		return;
	if (habit.context != context)
		habit = (struct habit){ .context = context };
	habit.under_way += accepted;
}

void aio_habit_fetched(aio_context_t context, long count, bool for_ever)
{
	if (habit.context != context || count < 0)
		return;
	bool is_one = count == 1 && habit.under_way == 1 && for_ever;
	habit.waited = is_one ? habit.waited + 1 : 0;
	habit.under_way -= count;
}

void aio_habit_forget(aio_context_t context)
{
	if (habit.context == context)
		habit = (struct habit){ .context = 0 };
}

bool aio_habit_is_to_wait(aio_context_t context)
{
	return habit.context == context && habit.under_way == 0 && habit.waited >= OFTEN;
}
