/* SPDX-License-Identifier: MIT */
/* untorn: one command, a table of verbs. */
#include "cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary, *usage;
} verbs[] = {
	{ "run", cmd_run, "start a program with atomic writes",
	  "usage: untorn run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
	  "\n"
	  "Starts PROGRAM with libuntorn.so preloaded, before what LD_PRELOAD already names.\n"
	  "\n"
	  "  --mode=auto|command|off            see UNTORN_MODE in libuntorn(7)\n"
	  "  --nvme-limits=namespace|controller see UNTORN_NVME_LIMITS\n"
	  "  --sim=SPEC                         simulate the disk that SPEC describes (UNTORN_SIM)\n"
	  "  --anyway                           start even a program that the shim cannot reach\n"
	  "\n"
	  "The exit status is the program's; 125 the shim cannot reach it, 126 it cannot be\n"
	  "executed, 127 it is not there.\n" },
	{ "doctor", cmd_doctor, "say whether a device qualifies, and why",
	  "usage: untorn doctor [--json] [--nvme-limits=namespace|controller] DEVICE\n"
	  "\n"
	  "The verdict first, then what it rests on, then what to change. Writes nothing.\n"
	  "Exit status: 0 the device has atomic writes, 1 it has none, 2 cannot tell.\n" },
	{ "publish", cmd_publish, "let ordinary users know what the disks say (root)",
	  "usage: untorn publish [DEVICE]...\n"
	  "\n"
	  "Leaves the identify data of these NVMe disks, or of all, in /run/untorn. Before Linux\n"
	  "6.2 only root may ask a disk; programs of other users then go by what is published.\n"
	  "Exit status: 0 all published, 1 not all.\n" },
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

	fputs("untorn: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return status;
}

void cmd_help(const char *verb)
{
	fputs(find(verb)->usage, stdout);
}

static int help(const char *name)
{
	const struct verb *verb = name ? find(name) : NULL;

	if (name && !verb)
		return cmd_fail(2, "there is no verb %s; untorn --help lists them", name);
	if (verb)
		fputs(verb->usage, stdout);
	else
		print_usage(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--version") == 0)
		return puts("untorn " VERSION) < 0;
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return help(argv[2]);
	const struct verb *verb = find(argv[1]);
	if (!verb)
		return cmd_fail(2, "there is no verb %s; untorn --help lists them", argv[1]);
	return verb->run(argc - 1, argv + 1);
}
