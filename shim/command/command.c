/* SPDX-License-Identifier: MIT */
/* The program `untorn`: a table of verbs, main(), which calls one of them, and helpers for the
 * verbs (command.h). */
#include "command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/libraries.h"
#include "command/preload.h"
#include "untorn.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	bool asks_the_kernel; /* a shim in this process must not answer in its place */
	const char *summary, *usage;
} verbs[] = {
	{ "run", cmd_run, false, "start a program with atomic writes",
	  "usage: untorn run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
	  "\n"
	  "Starts PROGRAM with libuntorn.so preloaded, before what LD_PRELOAD already names.\n"
	  "\n"
	  "  --mode=auto|command|off            auto: the kernel writes where it can do what the disk\n"
	  "                                     can, else one command does; command: never the\n"
	  "                                     kernel; off: the shim does nothing (UNTORN_MODE)\n"
	  "  --nvme-limits=namespace|single|controller\n"
	  "                                     controller: believe AWUPF too, if the namespace has no\n"
	  "                                     value; single: only if AWUPF can mean but one format\n"
	  "                                     (UNTORN_NVME_LIMITS; see untorn-environment(7))\n"
	  "  --rules=linux|device               device: accept any length and offset that the disk\n"
	  "                                     promises (UNTORN_RULES; see untorn-environment(7))\n"
	  "  --sim=SPEC                         simulate the disk that SPEC describes; give it once for\n"
	  "                                     each disk (UNTORN_SIM; see libuntorn-sim(7))\n"
	  "  --log=LEVEL[:FILE]                 off, error, info or debug: log atomic writes to\n"
	  "                                     standard error or FILE (UNTORN_LOG)\n"
	  "  --only=NAMES                       serve only programs of these names, separated by colons\n"
	  "                                     (UNTORN_ONLY)\n"
	  "  --skip=NAMES                       do not serve programs of these names (UNTORN_SKIP)\n"
	  "  --report[=FILE]                    report the atomic writes at the end, on\n"
	  "                                     standard error or in FILE; -: standard output\n"
	  "  --json                             the report as JSON, as in a FILE.json\n"
	  "  --histogram                        the report with the latency as a histogram\n"
	  "  --deep                             also catch system calls made without the C library\n"
	  "                                     (UNTORN_DEEP; Linux 5.11, x86-64)\n"
	  "  --check                            start nothing: say whether PROGRAM needs --deep\n"
	  "  --require=DEVICE                   start PROGRAM only if DEVICE qualifies (untorn doctor)\n"
	  "  --anyway                           start even a program that the shim cannot reach\n"
	  "\n"
	  "The exit status is the program's; 125 the shim cannot reach it, 126 it cannot be\n"
	  "executed, 127 it does not exist, 2 a mistake in the command line or in a variable UNTORN_*.\n"
	  "With --check: 0 the shim reaches it, 1 only with --deep.\n" },
	{ "doctor", cmd_doctor, true, "say whether a device qualifies, and why",
	  "usage: untorn doctor [OPTION]... [DEVICE | PATH]\n"
	  "\n"
	  "Prints the verdict, the evidence, and what to change. Writes nothing. Without DEVICE it\n"
	  "is the same as untorn list. For a file or folder, and with --page for a volume or disk\n"
	  "too, it says whether the disk gets a page that is written there with O_DIRECT, without\n"
	  "RWF_ATOMIC, as one command.\n"
	  "\n"
	  "  --page=SIZE                        size of such a page, a power of two; 16k by default\n"
	  "  --sample=COUNT                     check this many random pages of a file, not all\n"
	  "  --json                             print one JSON object\n"
	  "  --report                           the bytes that the disk was judged by, without serial\n"
	  "                                     numbers, for a bug report or untorn-drives(7)\n"
	  "  --nvme-limits=namespace|single|controller\n"
	  "                                     see UNTORN_NVME_LIMITS in untorn-environment(7)\n"
	  "\n"
	  "Exit status: 0 yes, 1 no, 2 cannot tell.\n" },
	{ "list", cmd_list, true, "list block devices, and what each can do",
	  "usage: untorn list [OPTION]... [DEVICE]...\n"
	  "\n"
	  "A line for each disk, or for each DEVICE: name, model, unit of an atomic write in bytes,\n"
	  "lane (native: the kernel; command: untorn; none) and reason. Writes nothing.\n"
	  "\n"
	  "  --all                              partitions too, RAM disks, and devices without a size\n"
	  "  --json                             as one JSON object\n"
	  "  --nvme-limits=namespace|single|controller\n"
	  "                                     see UNTORN_NVME_LIMITS in untorn-environment(7)\n"
	  "\n"
	  "Exit status: 0 listed, whatever the devices can do; 2 not all could be listed.\n" },
	{ "stat", cmd_stat, false, "show the atomic write counters of running programs",
	  "usage: untorn stat [--json | --histogram | --metrics] [--watch] [PID | --all]\n"
	  "\n"
	  "Shows what the shim has counted in a process and its relatives by fork, which share\n"
	  "the counters; by device and door.\n"
	  "\n"
	  "  --all                              all processes that you may look at; the default\n"
	  "  --json                             as JSON, with the latency histogram\n"
	  "  --histogram                        with the latency as a histogram\n"
	  "  --metrics                          as OpenMetrics, for the text file of a collector\n"
	  "  --watch                            again each second, until the process ends\n"
	  "\n"
	  "Exit status: 0, or 1 the process has counted nothing, or you may not look.\n" },
	{ "publish", cmd_publish, false, "save what NVMe disks say, for other users (root)",
	  "usage: untorn publish [DEVICE]...\n"
	  "\n"
	  "Saves the identify data of these NVMe disks, or of all, in /run/untorn. Before Linux\n"
	  "6.2 only root may ask a disk; programs of other users then read the saved data.\n"
	  "Exit status: 0 all published, 1 not all.\n" },
	{ "verify", cmd_verify, true, "test whether a disk keeps pages whole (overwrites it)",
	  "usage: untorn verify [OPTION]... DEVICE | --file=NAME\n"
	  "       untorn verify --power-cut=LOG [OPTION]... DEVICE | --file=NAME\n"
	  "       untorn verify --check=LOG [--json] DEVICE | --file=NAME\n"
	  "\n"
	  "Lets writers and readers race over pages of DEVICE, or writes until the power is cut.\n"
	  "Overwrites DEVICE, and refuses one that is in use or has something on it.\n"
	  "\n"
	  "  --power-cut=LOG                    log the acknowledged writes, on another disk or\n"
	  "                                     machine; - is standard output\n"
	  "  --check=LOG                        after the cut: what is torn, lost, out of order; only reads\n"
	  "  --volatile                         with --power-cut: writes may be lost, but not torn\n"
	  "  --seconds=N                        how long; 10, and with --power-cut until interrupted\n"
	  "  --pages=N                          how many pages; 256\n"
	  "  --plain                            write without RWF_ATOMIC, and neighbours at once, as a\n"
	  "                                     database does: this tests the whole stack\n"
	  "  --page=SIZE                        with --plain: size of a page; 16k\n"
	  "  --file=NAME                        a new file instead, through filesystem and volume\n"
	  "  --size=SIZE                        size of that file; 64M\n"
	  "  --destroy --destroy                overwrite even what is in use or has something on it\n"
	  "  --json                             print the report as one JSON object\n"
	  "  --nvme-limits=namespace|single|controller\n"
	  "                                     see UNTORN_NVME_LIMITS in untorn-environment(7)\n"
	  "\n"
	  "Exit status: 0 nothing found, 1 something found, 2 refused or not finished.\n" },
};

static const struct verb *find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static void print_usage(FILE *file)
{
	fputs("usage: untorn VERB ...\n"
	      "Linux's atomic writes for unmodified programs, on kernels that do not have them.\n\n",
	      file);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(file, "  untorn %-8s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\nuntorn VERB --help, untorn --version. Manual: untorn(1), libuntorn(7).\n", file);
}

int cmd_fail(int status, const char *format, ...)
{
	va_list list;
	int error = errno; /* for %m */

	fputs("untorn: ", stderr);
	errno = error;
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return status;
}

const char *cmd_why_not_believed(int error)
{
	if (error == -EPERM)
		return "users other than root may write it";
	if (error == -EXDEV)
		return "this user namespace does not know the machine's root";
	return strerror(-error);
}

static bool is_one_of(const char *value, const char *words)
{
	size_t length = strlen(value);

	for (; *words; words += strcspn(words, " "), words += strspn(words, " ")) {
		if (strcspn(words, " ") == length && strncmp(words, value, length) == 0)
			return true;
	}
	return false;
}

int cmd_check_word(const char *name, const char *value, const char *words)
{
	if (is_one_of(value, words))
		return 0;
	return cmd_fail(CMD_USAGE, "%s: unknown value %s; use one of: %s", name, value, words);
}

int cmd_set(const char *option, const char *variable, const char *value, const char *words)
{
	char name[32];

	snprintf(name, sizeof(name), "--%s", option);
	int status = words ? cmd_check_word(name, value, words) : 0;
	if (status)
		return status;
	return setenv(variable, value, 1) < 0 ? cmd_fail(CMD_USAGE, "--%s: %m", option) : 0;
}

/* Flushes standard output. 0, or an exit status after a message. */
static int end_of_output(void)
{
	return fflush(stdout) == 0 ? 0 : cmd_fail(1, "cannot write to standard output: %m");
}

int cmd_help(const char *verb)
{
	fputs(find(verb)->usage, stdout);
	return end_of_output();
}

static int find_or_fail(const char *name, const struct verb **ret_verb)
{
	*ret_verb = find(name);
	if (*ret_verb)
		return 0;
	return cmd_fail(CMD_USAGE, "there is no verb %s; untorn --help lists them", name);
}

static int help(const char *name)
{
	const struct verb *verb = NULL;
	int status = name ? find_or_fail(name, &verb) : 0;

	if (!status && verb)
		return cmd_help(verb->name);
	if (!status)
		print_usage(stdout);
	return status;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	char title[32];

	if (verb->asks_the_kernel) {
		cmd_preload_leave_shim(argv);
		/* They choose the programs that the shim serves; here they would turn off untorn's
		 * own judgement. */
		unsetenv(UNTORN_ENV_ONLY);
		unsetenv(UNTORN_ENV_SKIP);
	}
	/* getopt's messages start with argv[0]. */
	snprintf(title, sizeof(title), "untorn %s", verb->name);
	argv[1] = title;
	return verb->run(argc - 1, argv + 1);
}

static bool is(const char *argument, const char *word, const char *option)
{
	return strcmp(argument, word) == 0 || strcmp(argument, option) == 0;
}

/* Opens something on each closed standard stream: a file that is opened later may be a disk, and
 * must not become standard output. The program of `untorn run` finds the streams closed, as they
 * were. */
static void occupy_closed_streams(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int choose(int argc, char **argv)
{
	const struct verb *verb;

	if (is(argv[1], "version", "--version")) {
		puts("untorn " VERSION);
		return 0;
	}
	if (is(argv[1], "help", "--help") || strcmp(argv[1], "-h") == 0)
		return help(argv[2]);
	int status = find_or_fail(argv[1], &verb);
	return status ? status : run(verb, argc, argv);
}

int main(int argc, char **argv)
{
	occupy_closed_streams();
	cmd_use_libraries();
	if (argc < 2) {
		print_usage(stderr);
		return CMD_USAGE;
	}
	int status = choose(argc, argv);
	return status ? status : end_of_output();
}
