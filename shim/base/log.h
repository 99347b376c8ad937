/* SPDX-License-Identifier: MIT */
/*
 * Writes log lines for people, each by one write(2), if UNTORN_LOG asks for them. It never writes
 * to a standard error that has become another file since the start. If the reader has closed its
 * end, the program gets no signal from that.
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
	const char *file; /* points into the text; NULL: standard error */
};

/* Parses this text; NULL: unset. A text that is not understood means off. Pure, so that tests can
 * call it. */
struct log_setting log_parse(const char *text);

/* Inline, because each write asks. */
extern _Atomic unsigned char log_known; /* one more than the level; 0: the text is not read yet */
enum log_level log_get(void);
static inline bool log_wants(enum log_level level)
{
	unsigned char known = atomic_load_explicit(&log_known, memory_order_acquire);

	return (known ? (enum log_level)(known - 1) : log_get()) >= level;
}

/* Writes one line and adds its newline. Async-signal-safe as far as snprintf() is; errno may be
 * changed. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called in the constructor: records which file standard error is. */
void log_start(void);

#endif
