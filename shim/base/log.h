/* SPDX-License-Identifier: MIT */
/*
 * UNTORN_LOG: lines for people, each one write(2). Nothing without it. Never to a standard error
 * that has become another file since the start, and no signal to the program if it has been closed
 * at the other end.
 */
#ifndef LOG_H
#define LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_OFF, LOG_ERROR, LOG_INFO, LOG_DEBUG };

enum { LOG_COUNT = 1000 }; /* lines, unless another number is asked for */

struct log_setting {
	enum log_level level;
	uint32_t count;   /* UINT32_MAX: any number */
	const char *file; /* in the text; NULL: standard error */
};

/* What this text means, NULL when unset; what is not understood is off. Pure, for tests. */
struct log_setting log_parse(const char *text);

/* Asked at each write, and so in place. */
extern _Atomic unsigned char log_known; /* one more than the level; 0: the text is not read yet */
enum log_level log_get(void);
static inline bool log_wants(enum log_level level)
{
	unsigned char known = atomic_load_explicit(&log_known, memory_order_acquire);

	return (known ? (enum log_level)(known - 1) : log_get()) >= level;
}

/* One line, its newline is added. Async-signal-safe as far as snprintf() is; errno may be changed.
 */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* In the constructor: which file standard error is. */
void log_start(void);

#endif
