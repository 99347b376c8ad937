/* SPDX-License-Identifier: MIT */
/* The order of starting. Everything is lazy; the constructor only warms up what costs nothing. */
#include <pthread.h>

#include "config.h"
#include "device.h"
#include "real.h"

__attribute__((constructor)) static void start(void)
{
	real();
	config_get();
	pthread_atfork(NULL, NULL, device_after_fork);
}
