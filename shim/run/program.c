/* SPDX-License-Identifier: MIT */
/*
 * Looks for programs as execvp() does, and follows scripts to the file that the kernel will map.
 * run/elf.c decides whether a preload gets in; gains_rights() does as far as rights go.
 */
#include "run/program.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <paths.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "run/elf.h"
#include "run/through.h"

enum {
	MAX_INTERPRETERS = 5, /* interpreters of interpreters, as in the kernel's exec_binprm() */
	MAX_EXECUTIONS = 8,   /* env of env of ... */
	FIRST_LINE = 256,     /* all that the kernel reads of a script, BINPRM_BUF_SIZE */
};

static int may_execute(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return eaccess(path, X_OK) < 0 ? -errno : 0;
}

static int find_in_folders(const char *folders, const char *name, char ret_path[PATH_MAX])
{
	int error = -ENOENT;

	/* NULL: the C library's default. An empty folder is the current one. */
	for (const char *folder = folders ? folders : "/bin:/usr/bin"; folder;
	     folder = strchr(folder, ':') ? strchr(folder, ':') + 1 : NULL) {
		int length = (int)strcspn(folder, ":");
		snprintf(ret_path, PATH_MAX, "%.*s/%s", length ? length : 1, length ? folder : ".",
			 name);
		int result = may_execute(ret_path);
		if (result == 0)
			return 0;
		if (result == -EACCES)
			error = result;
	}
	return error;
}

int cmd_program_find_in(const char *folders, const char *name, char ret_path[PATH_MAX])
{
	if (!*name)
		return -ENOENT;
	if (!strchr(name, '/'))
		return find_in_folders(folders, name, ret_path);
	snprintf(ret_path, PATH_MAX, "%s", name);
	return may_execute(ret_path);
}

int cmd_program_find(const char *name, char ret_path[PATH_MAX])
{
	return cmd_program_find_in(getenv("PATH"), name, ret_path);
}

void cmd_program_set(struct cmd_program *program, const char *path, char *const words[])
{
	snprintf(program->path, sizeof(program->path), "%s", path);
	program->count = program->used = 0;
	program->by_loader = false;
	while (program->count < CMD_PROGRAM_WORDS && words[program->count]) {
		program->words[program->count] = words[program->count];
		program->count++;
	}
	program->words[program->count] = NULL;
}

const char *cmd_program_keep(struct cmd_program *program, const char *text, size_t length)
{
	char *copy = program->text + program->used;

	if (length >= sizeof(program->text) - program->used)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	program->used += length + 1;
	return copy;
}

bool cmd_program_replace(struct cmd_program *program, size_t count, const char *const *words,
			 size_t new_count)
{
	size_t rest = program->count - count;

	if (new_count > CMD_PROGRAM_WORDS)
		return false;
	if (rest > CMD_PROGRAM_WORDS - new_count) /* the end of a long command does not matter */
		rest = CMD_PROGRAM_WORDS - new_count;
	memmove(program->words + new_count, program->words + count, rest * sizeof(*words));
	if (new_count)
		memcpy(program->words, words, new_count * sizeof(*words));
	program->count = new_count + rest;
	program->words[program->count] = NULL;
	return true;
}

/* Sets the interpreter, and the argument, that a script's first line names; returns how many. If it
 * names none, execvp() takes the shell. */
static size_t read_interpreter(struct cmd_program *program, int fd, const char *ret_words[2])
{
	char line[FIRST_LINE + 1] = { 0 };
	ssize_t length = pread(fd, line, FIRST_LINE, 0);
	const char *start = line + 2 + strspn(line + 2, " \t");
	size_t size = strcspn(start, " \t\n");

	/* The kernel takes no name either that does not end within these bytes. */
	if (length <= 2 || line[0] != '#' || line[1] != '!' || !size ||
	    start + size >= line + FIRST_LINE) {
		ret_words[0] = _PATH_BSHELL;
		return 1;
	}
	ret_words[0] = cmd_program_keep(program, start, size);
	start += size + strspn(start + size, " \t");
	size = strcspn(start, "\n");
	while (size && strchr(" \t", start[size - 1]))
		size--;
	ret_words[1] = size ? cmd_program_keep(program, start, size) : NULL;
	return ret_words[1] ? 2 : 1;
}

/* Makes program its interpreter, which gets the script's path in place of the first word. */
static bool follow_script(struct cmd_program *program, int fd)
{
	const char *words[3];

	size_t count = read_interpreter(program, fd, words);
	words[count] = cmd_program_keep(program, program->path, strlen(program->path));
	if (!words[0] || !words[count] || strlen(words[0]) >= PATH_MAX)
		return false;
	strcpy(program->path, words[0]);
	return cmd_program_replace(program, program->count > 0, words, count + 1);
}

/* True: after the exec, the effective user or group will not be the real one. */
static bool changes_ids(const struct stat *st, bool suid_counts)
{
	uid_t user = geteuid();
	gid_t group = getegid();

	if (suid_counts && (st->st_mode & S_ISUID))
		user = st->st_uid;
	if (suid_counts && (st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP))
		group = st->st_gid;
	return user != getuid() || group != getgid();
}

static bool has_capabilities(const char *path, bool permitted_count)
{
	struct vfs_ns_cap_data data = { 0 };
	uint32_t permitted = 0;

	if (getxattr(path, XATTR_NAME_CAPS, &data, sizeof(data)) < (ssize_t)XATTR_CAPS_SZ_1)
		return false;
	for (int i = 0; i < VFS_CAP_U32; i++)
		permitted |= data.data[i].permitted;
	return (permitted && permitted_count) ||
	       (le32toh(data.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE);
}

/* True: the kernel will set AT_SECURE, so that the loader ignores preloads. The kernel decides in
 * cap_bprm_creds_from_file(). File capabilities give nothing new to a real root. */
static bool gains_rights(const char *path)
{
	struct stat st;
	struct statvfs fs;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	bool nosuid = statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID);
	bool may_gain = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
	return changes_ids(&st, !nosuid && may_gain) ||
	       (getuid() != 0 && !nosuid && has_capabilities(path, may_gain));
}

static const char *explain(int kind)
{
	switch (kind) {
	case ELF_STATIC:
		return "is statically linked, so the shim reaches only dynamically linked programs "
		       "that it starts; use a dynamically linked build";
	case ELF_OTHER_MACHINE:
		return "is built for another architecture than libuntorn.so; "
		       "use a build for the same one";
	case ELF_OTHER_LIBC:
		return "is linked to another C library (musl or glibc) than libuntorn.so; "
		       "use a build for the same one";
	case ELF_GO:
		return "is a Go program: it makes its system calls without the C library, so it "
		       "cannot be reached, only programs that it starts; use a kernel that has atomic writes itself";
	default:
		return NULL;
	}
}

/* Returns why the shim cannot reach a program that is not a script; NULL: it can. */
static const char *hinders(const struct cmd_program *program, int kind)
{
	/* A program that is the loader's argument gains no rights by its mode. */
	if (!program->by_loader && gains_rights(program->path))
		return "is set-user-ID, set-group-ID or has file capabilities, so the "
		       "loader ignores LD_PRELOAD; "
		       "run it as the user whose rights it takes";
	return explain(kind);
}

static const char bare[] =
	"starts its program without LD_PRELOAD (-i, -u or an assignment), and so without the shim; "
	"write untorn run after it: env ... untorn run -- PROGRAM";

/* Judges one execution, scripts included. True: it starts another program, the next to judge. */
static bool judge(struct cmd_program *program, const char **ret_hindrance)
{
	enum cmd_through next = CMD_THROUGH_NOTHING;

	for (int depth = 0; depth <= MAX_INTERPRETERS; depth++) {
		AUTO_CLOSE int fd =
			open(program->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		int kind = fd < 0 ? -errno : elf_kind(fd);
		/* The kernel does not heed a script's own mode bits, only the interpreter's. */
		if (kind == ELF_NOT_ELF && !program->by_loader) {
			if (!follow_script(program, fd))
				return false;
			continue;
		}
		*ret_hindrance = hinders(program, kind);
		if (*ret_hindrance || program->by_loader)
			return false;
		if (kind == ELF_LOADER)
			next = cmd_through_loader(program);
		else if (cmd_through_is_env(program))
			next = cmd_through_env(program);
		if (next == CMD_THROUGH_BARE)
			*ret_hindrance = bare;
		return next == CMD_THROUGH_PROGRAM;
	}
	return false;
}

const char *cmd_program_hindrance(struct cmd_program *program)
{
	const char *hindrance = NULL;

	for (int i = 0; i < MAX_EXECUTIONS && judge(program, &hindrance); i++)
		continue;
	return hindrance;
}
