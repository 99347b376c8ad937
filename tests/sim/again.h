/* SPDX-License-Identifier: MIT */
/* For tests of the simulated disk's messages about an UNTORN_SIM. */
#ifndef SIM_AGAIN_H
#define SIM_AGAIN_H

#include "preload.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAYS "libuntorn-sim: UNTORN_SIM (--sim) is not understood"
#define SEE  "; see libuntorn-sim(7)\n"

/* Runs this program again with a body and an UNTORN_SIM of its own (NULL: ours). Returns its
 * status; `said` becomes its standard error. */
static inline int run_again(const char *body, const char *sim, char said[1024])
{
	int pipes[2], status;
	size_t length = 0;
	ssize_t got;

	want(pipe(pipes) == 0);
	pid_t child = fork();
	if (child == 0) {
		if (sim)
			setenv("UNTORN_SIM", sim, 1);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execl("/proc/self/exe", "preload-body", "--body", body, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	while (length < 1023 && (got = read(pipes[0], said + length, 1023 - length)) > 0)
		length += (size_t)got;
	said[length] = '\0';
	close(pipes[0]);
	want(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static inline void want_said(const char *said, const char *expected)
{
	if (strcmp(said, expected) == 0)
		return;
	fprintf(stderr, "said: \"%s\", not: \"%s\"\n", said, expected);
	exit(1);
}

#endif
