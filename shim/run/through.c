/* SPDX-License-Identifier: MIT */
/*
 * Parses as much of the command line of env(1), or of the loader, as leads to the program. A word
 * that is not understood ends the search: then env or the loader itself is judged.
 */
#include "run/through.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The effect of env's options and assignments: PATH, the folder of -C, whether LD_PRELOAD is gone
 * (is_bare), and whether an option was not understood (is_unclear). */
struct env {
	const char *folders, *directory;
	bool is_bare, is_unclear;
};

bool cmd_through_is_env(const struct cmd_program *program)
{
	const char *slash = strrchr(program->path, '/');

	return strcmp(slash ? slash + 1 : program->path, "env") == 0;
}

/* Splits the text of -S at its blanks. False: it has quotes, escapes or variables, which are left
 * to env; or there is no room. */
static bool split(struct cmd_program *program, const char *text)
{
	const char *words[CMD_PROGRAM_WORDS] = { "env" };
	size_t count = 1;

	if (strpbrk(text, "\\\"'$#"))
		return false;
	for (size_t length; *(text += strspn(text, " \t\n\v\f\r")); text += length) {
		length = strcspn(text, " \t\n\v\f\r");
		if (count == CMD_PROGRAM_WORDS)
			return false;
		words[count] = cmd_program_keep(program, text, length);
		if (!words[count++])
			return false;
	}
	return cmd_program_replace(program, (size_t)optind, words, count);
}

static void clear(struct env *env)
{
	env->is_bare = true;
	env->folders = NULL;
}

static void forget(struct env *env, const char *name)
{
	if (strcmp(name, "LD_PRELOAD") == 0)
		env->is_bare = true;
	if (strcmp(name, "PATH") == 0)
		env->folders = NULL;
}

/* Knows the options of coreutils 9.1, and -a of a later one. False: -S has changed the words; begin
 * again. */
static bool parse_options(struct cmd_program *program, struct env *env)
{
	static const struct option options[] = {
		{ "ignore-environment", no_argument, NULL, 'i' },
		{ "unset", required_argument, NULL, 'u' },
		{ "chdir", required_argument, NULL, 'C' },
		{ "split-string", required_argument, NULL, 'S' },
		{ "argv0", required_argument, NULL, 'a' },
		{ "null", no_argument, NULL, '0' },
		{ "debug", no_argument, NULL, 'v' },
		{ "block-signal", optional_argument, NULL, 'v' },
		{ "default-signal", optional_argument, NULL, 'v' },
		{ "ignore-signal", optional_argument, NULL, 'v' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long((int)program->count, (char **)program->words, "+iu:C:S:a:0v",
				     options, NULL)) != -1) {
		if (option == 'i')
			clear(env);
		else if (option == 'u')
			forget(env, optarg);
		else if (option == 'C')
			env->directory = optarg;
		else if (option == 'S' && split(program, optarg))
			return false;
		else if (option != 'v' && option != 'a')
			env->is_unclear = true;
	}
	return true;
}

/* Returns the index of the program's name. */
static size_t parse(struct cmd_program *program, struct env *env)
{
	int saved_index = optind, saved_errors = opterr;

	opterr = 0;
	do
		optind = 0; /* so that getopt starts afresh */
	while (!parse_options(program, env));
	size_t i = (size_t)optind;
	optind = saved_index;
	opterr = saved_errors;
	if (i < program->count && strcmp(program->words[i], "-") == 0) {
		clear(env);
		i++;
	}
	for (; i < program->count && strchr(program->words[i], '='); i++) {
		if (strncmp(program->words[i], "LD_PRELOAD=", 11) == 0)
			env->is_bare = !strstr(program->words[i], "libuntorn.so");
		if (strncmp(program->words[i], "PATH=", 5) == 0)
			env->folders = program->words[i] + 5;
	}
	return i;
}

static bool find(const struct env *env, const char *name, char ret_path[PATH_MAX])
{
	char moved[PATH_MAX];

	if (!env->directory || *name == '/' || !strchr(name, '/'))
		return cmd_program_find_in(env->folders, name, ret_path) == 0;
	int length = snprintf(moved, sizeof(moved), "%s/%s", env->directory, name);
	return length < PATH_MAX && cmd_program_find_in(NULL, moved, ret_path) == 0;
}

enum cmd_through cmd_through_env(struct cmd_program *program)
{
	struct env env = { .folders = getenv("PATH") };
	char path[PATH_MAX];

	size_t first = parse(program, &env);
	if (env.is_unclear || first >= program->count)
		return CMD_THROUGH_NOTHING;
	if (env.is_bare)
		return CMD_THROUGH_BARE;
	if (!find(&env, program->words[first], path))
		return CMD_THROUGH_NOTHING;
	strcpy(program->path, path);
	cmd_program_replace(program, first, NULL, 0);
	return CMD_THROUGH_PROGRAM;
}

/* Returns how many words this option takes, itself included. 0: with it the loader starts nothing,
 * or it is not known. */
static size_t length_of_option(const char *word)
{
	static const char *const with_value[] = {
		"--library-path",         "--inhibit-rpath", "--preload",           "--audit",
		"--glibc-hwcaps-prepend", "--argv0",         "--glibc-hwcaps-mask",
	};

	for (size_t i = 0; i < sizeof(with_value) / sizeof(with_value[0]); i++) {
		if (strcmp(word, with_value[i]) == 0)
			return 2;
	}
	return strcmp(word, "--inhibit-cache") == 0;
}

enum cmd_through cmd_through_loader(struct cmd_program *program)
{
	size_t i = 1, length;

	while (i < program->count && strncmp(program->words[i], "--", 2) == 0) {
		length = length_of_option(program->words[i]);
		if (!length)
			return CMD_THROUGH_NOTHING;
		i += length;
	}
	/* The loader looks for a name without a slash among the libraries. */
	if (i >= program->count || !strchr(program->words[i], '/') ||
	    strlen(program->words[i]) >= PATH_MAX)
		return CMD_THROUGH_NOTHING;
	program->by_loader = true;
	strcpy(program->loader, program->path);
	strcpy(program->path, program->words[i]);
	program->count = i + 1;
	program->words[program->count] = NULL;
	return CMD_THROUGH_PROGRAM;
}
