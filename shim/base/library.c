/* SPDX-License-Identifier: MIT */
/* The only dlopen of the shim. */
#include "base/library.h"

#include <dlfcn.h>
#include <stddef.h>

enum state { UNTRIED, OPENING, ABSENT, PRESENT };

static void *open_first(const char *const *names)
{
	void *handle = NULL;

	for (; *names && !handle; names++)
		handle = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
	return handle;
}

static enum state load(struct library *library)
{
	void *handle = open_first(library->names);

	if (!handle)
		return ABSENT;
	for (int i = 0; library->symbols[i]; i++) {
		void *function = dlsym(handle, library->symbols[i]);
		if (!function)
			return ABSENT;
		__atomic_store_n(&library->functions[i], function, __ATOMIC_RELAXED);
	}
	return PRESENT;
}

bool library_open(struct library *library)
{
	int state = atomic_load_explicit(&library->state, memory_order_acquire);

	if (state == UNTRIED || state == OPENING) {
		atomic_store(&library->state, OPENING);
		state = (int)load(library);
		atomic_store_explicit(&library->state, state, memory_order_release);
	}
	return state == PRESENT;
}

void library_after_fork(struct library *library)
{
	int opening = OPENING;

	atomic_compare_exchange_strong(&library->state, &opening, ABSENT);
}
