/* SPDX-License-Identifier: MIT */
/* Start reading at log_line(). All state is atomic; nothing locks. */
#include "base/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/early.h"

enum { LINE = 320 };

/* Threads that read the text at once store the same. lines_wanted is stored first: log_known says
 * that both are there. */
EARLY _Atomic unsigned char log_known;
static EARLY _Atomic uint32_t lines_wanted;
static _Atomic uint32_t lines;

/* Standard error at the start; all 0: there was none. */
static _Atomic uint64_t start_device, start_inode;
static _Atomic bool started;

static bool starts(const char *text, const char *word, const char **ret_rest)
{
	size_t length = strlen(word);

	*ret_rest = text + length;
	return strncmp(text, word, length) == 0 && strchr("=:", text[length]);
}

static enum log_level parse_level(const char *text, const char **ret_rest)
{
	static const char *const words[] = { "off", "error", "info", "debug" };

	for (int i = 0; i < 4; i++) {
		if (starts(text, words[i], ret_rest))
			return (enum log_level)i;
	}
	*ret_rest = "";
	return LOG_OFF;
}

static bool parse_count(const char *text, uint32_t *ret_count, const char **ret_rest)
{
	char *end;

	if (starts(text, "all", ret_rest)) {
		*ret_count = UINT32_MAX;
		return true;
	}
	if (*text < '0' || *text > '9')
		return false;
	unsigned long long count = strtoull(text, &end, 10);
	*ret_count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
	*ret_rest = end;
	return *end == '\0' || *end == ':';
}

struct log_setting log_parse(const char *text)
{
	struct log_setting setting = { .count = LOG_COUNT };
	const char *rest;

	setting.level = parse_level(text ? text : "", &rest);
	if (*rest == '=' && !parse_count(rest + 1, &setting.count, &rest))
		return (struct log_setting){ .level = LOG_OFF };
	if (*rest == ':' && rest[1])
		setting.file = rest + 1;
	return setting;
}

enum log_level log_get(void)
{
	char text[CONFIG_TEXT];

	struct log_setting setting = log_parse(config_text(CONFIG_LOG, text) ? text : NULL);
	atomic_store(&lines_wanted, setting.count);
	atomic_store(&log_known, (unsigned char)(setting.level + 1));
	return setting.level;
}

void log_start(void)
{
	struct stat st = { 0 };

	if (!log_wants(LOG_ERROR) || atomic_exchange(&started, true))
		return;
	fstat(STDERR_FILENO, &st);
	atomic_store(&start_device, st.st_dev);
	atomic_store(&start_inode, st.st_ino);
}

/* Refuses block devices, so that no line is written over a disk's data. */
static bool may_be_written(int fd, struct stat *ret_st)
{
	return fstat(fd, ret_st) == 0 && !S_ISBLK(ret_st->st_mode);
}

static bool is_as_at_start(void)
{
	struct stat st;

	log_start();
	return may_be_written(STDERR_FILENO, &st) && st.st_dev == atomic_load(&start_device) &&
	       st.st_ino == atomic_load(&start_inode);
}

/* The program must not see a signal that our write raises: it is blocked, and taken if it was not
 * pending before. */
static void write_quietly(int fd, const char *line, size_t length)
{
	const struct timespec now = { 0, 0 };
	sigset_t ours, mask, before, pending;

	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &ours, &mask);
	sigpending(&before);
	if (write(fd, line, length) < 0) {
		sigpending(&pending);
		if (sigismember(&before, SIGPIPE))
			sigdelset(&ours, SIGPIPE);
		if (sigismember(&before, SIGXFSZ))
			sigdelset(&ours, SIGXFSZ);
		if (sigismember(&pending, SIGPIPE) || sigismember(&pending, SIGXFSZ))
			sigtimedwait(&ours, NULL, &now);
	}
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* Follows no link: in a folder that others may write to, it could lead anywhere. */
static void write_to_file(const char *path, const char *line, size_t length)
{
	struct stat st;
	AUTO_CLOSE int fd = openat(AT_FDCWD, path,
				   O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
					   O_NOCTTY | O_NONBLOCK,
				   0600);

	if (fd >= 0 && may_be_written(fd, &st))
		write_quietly(fd, line, length);
}

static void write_line(const char *line, size_t length)
{
	char text[CONFIG_TEXT];

	const char *file = config_text(CONFIG_LOG, text) ? log_parse(text).file : NULL;
	if (file)
		write_to_file(file, line, length);
	else if (is_as_at_start())
		write_quietly(STDERR_FILENO, line, length);
}

static bool is_within_count(void)
{
	log_wants(LOG_ERROR);
	uint32_t most = atomic_load(&lines_wanted);

	return most == UINT32_MAX ||
	       (atomic_load_explicit(&lines, memory_order_relaxed) < most &&
		atomic_fetch_add_explicit(&lines, 1, memory_order_relaxed) < most);
}

void log_line(const char *format, ...)
{
	char line[LINE];
	va_list list;

	if (!is_within_count())
		return;
	int length = snprintf(line, sizeof(line), "untorn[%d]: ", (int)getpid());
	va_start(list, format);
	int more = vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, list);
	va_end(list);
	length += more < 0 ? 0 : more;
	if (length > LINE - 2)
		length = LINE - 2;
	line[length++] = '\n';
	write_line(line, (size_t)length);
}
