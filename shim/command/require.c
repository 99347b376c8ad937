/* SPDX-License-Identifier: MIT */
/*
 * untorn run --require: starts no program whose atomic writes would all be refused. It asks the
 * doctor in a child process, because a simulated disk exists only where its library is preloaded.
 */
#include "command/require.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/command.h"

enum { LINE = 512 };

__attribute__((noreturn)) static void become_doctor(const char *device, const char *preload,
						    int answer)
{
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	else
		unsetenv("LD_PRELOAD");
	dup2(answer, STDOUT_FILENO);
	dup2(answer, STDERR_FILENO);
	execl("/proc/self/exe", "untorn", "doctor", "--", device, NULL);
	dprintf(answer, "untorn doctor: %s\n", strerror(errno));
	_exit(CMD_UNREACHABLE);
}

/* Reads the doctor's first line. It reads the rest too, so that the doctor can finish. */
static void read_verdict(int from, char ret_line[LINE])
{
	FILE *file = fdopen(from, "r");
	char rest[LINE];

	if (!file || !fgets(ret_line, LINE, file))
		*ret_line = '\0';
	while (file && fgets(rest, sizeof(rest), file))
		continue;
	if (file)
		fclose(file);
	ret_line[strcspn(ret_line, "\n")] = '\0';
}

int cmd_require(const char *device, const char *preload)
{
	char line[LINE];
	int ends[2], status = -1;

	pid_t child = pipe(ends) < 0 ? -1 : fork();
	if (child < 0)
		return cmd_fail(CMD_UNREACHABLE, "--require=%s: %m", device);
	if (child == 0) {
		close(ends[0]);
		become_doctor(device, preload, ends[1]);
	}
	close(ends[1]);
	read_verdict(ends[0], line);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return cmd_fail(CMD_UNREACHABLE,
			"%s; the program was not started (--require). See untorn doctor %s",
			*line ? line : device, device);
}
