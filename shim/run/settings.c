/* SPDX-License-Identifier: MIT */
/*
 * The shim must not complain in a program that is not its own: it silently takes a misspelt value
 * for the strictest setting. This command can tell the user. An empty variable counts as not set.
 */
#include "run/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/log.h"
#include "command/command.h"
#include "untorn.h"

static int check_words(const char *name, const char *value)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{ UNTORN_ENV_MODE, CMD_MODES },  { UNTORN_ENV_NVME_LIMITS, CMD_POLICIES },
		{ UNTORN_ENV_RULES, CMD_RULES }, { UNTORN_ENV_AIO, "event inline" },
		{ UNTORN_ENV_DEEP, "0 1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(name, rows[i].name) == 0)
			return cmd_check_word(name, value, rows[i].words);
	}
	return 0;
}

/* The shim does not keep longer values. */
static int check_length(const char *name, const char *value)
{
	if (strlen(value) < CONFIG_TEXT)
		return 0;
	return cmd_fail(CMD_USAGE, "%s is too long: %zu bytes; the limit is %d", name,
			strlen(value), CONFIG_TEXT - 1);
}

/* The parser returns LOG_OFF also for a level that it does not understand. */
static int check_log(const char *name, const char *value)
{
	struct log_setting setting = log_parse(value);
	size_t level = strcspn(value, "=:");

	if ((setting.level == LOG_OFF && (level != 3 || memcmp(value, "off", 3) != 0)) ||
	    (!setting.file && strchr(value, ':')))
		return cmd_fail(CMD_USAGE,
				"%s: unknown value %s; use LEVEL[=COUNT][:FILE], where LEVEL is "
				"one of: off error info debug",
				name, value);
	return check_length(name, value);
}

/* The shim knows programs by their names alone, without folders. */
static int check_names(const char *name, const char *value)
{
	if (strchr(value, '/'))
		return cmd_fail(CMD_USAGE, "%s: %s is a path; programs are named without folders",
				name, value);
	if (!value[strspn(value, ":")])
		return cmd_fail(CMD_USAGE, "%s names no program", name);
	return 0;
}

int cmd_settings_check(void)
{
	static const struct {
		const char *name;
		int (*check)(const char *name, const char *value);
	} rows[] = {
		{ UNTORN_ENV_MODE, check_words },  { UNTORN_ENV_NVME_LIMITS, check_words },
		{ UNTORN_ENV_RULES, check_words }, { UNTORN_ENV_AIO, check_words },
		{ UNTORN_ENV_DEEP, check_words },  { UNTORN_ENV_LOG, check_log },
		{ UNTORN_ENV_STAT, check_length }, { UNTORN_ENV_ONLY, check_names },
		{ UNTORN_ENV_SKIP, check_names },
	};
	int status = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !status; i++) {
		const char *value = getenv(rows[i].name);
		if (value && *value)
			status = rows[i].check(rows[i].name, value);
	}
	return status;
}

/* Opens the file as the shim does. Otherwise a log that cannot be written would be missed only when
 * it is needed. */
static int check_file(const char *path)
{
	struct stat st;
	AUTO_CLOSE int fd =
		open(path,
		     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		     0600);

	if (fd < 0)
		return cmd_fail(CMD_USAGE, "--log: %s: %s", path,
				errno == ELOOP ? "is a symbolic link" : strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode))
		return cmd_fail(CMD_USAGE, "--log: %s is a block device; name a file", path);
	return 0;
}

/* Makes the name of the log file absolute: the program may change to another folder. */
static char *make_absolute(const char *value, const char *file)
{
	AUTO_FREE char *folder = *file == '/' ? NULL : getcwd(NULL, 0);
	char *text;

	if (!folder)
		return strdup(value);
	return asprintf(&text, "%.*s%s/%s", (int)(file - value), value, folder, file) < 0 ? NULL
											  : text;
}

int cmd_settings_log(const char *value)
{
	int status = check_log("--log", value);
	const char *file = status ? NULL : log_parse(value).file;
	AUTO_FREE char *text = status ? NULL : make_absolute(value, file ? file : "/");

	if (!status && file)
		status = check_file(file);
	if (status)
		return status;
	if (!text || setenv(UNTORN_ENV_LOG, text, 1) < 0)
		return cmd_fail(CMD_UNREACHABLE, "out of memory");
	return check_length("--log", text);
}

int cmd_settings_names(const char *option, const char *variable, const char *value)
{
	int status = check_names(option, value);

	if (!status && setenv(variable, value, 1) < 0)
		status = cmd_fail(CMD_UNREACHABLE, "out of memory");
	return status;
}
