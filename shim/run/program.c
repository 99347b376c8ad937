/* SPDX-License-Identifier: MIT */
/*
 * Looks for programs as execvp does, and follows scripts to the file that the kernel will map. What
 * decides is in run/elf.c and, for rights, in gains_rights().
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

enum {
	MAX_INTERPRETERS = 5, /* of interpreters, as in the kernel's exec_binprm() */
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

static int find_in_path(const char *name, char ret_path[PATH_MAX])
{
	const char *folders = getenv("PATH");
	int error = -ENOENT;

	/* The C library's default; an empty folder is the current one. */
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

int cmd_program_find(const char *name, char ret_path[PATH_MAX])
{
	if (!*name)
		return -ENOENT;
	if (!strchr(name, '/'))
		return find_in_path(name, ret_path);
	snprintf(ret_path, PATH_MAX, "%s", name);
	return may_execute(ret_path);
}

/* The interpreter that a script's first line names; without one, execvp takes the shell. */
static void read_interpreter(int fd, char ret_path[PATH_MAX])
{
	char line[FIRST_LINE + 1] = { 0 };
	ssize_t length = pread(fd, line, FIRST_LINE, 0);
	const char *start = line + 2 + strspn(line + 2, " \t");
	int size = (int)strcspn(start, " \t\n");

	/* A name that does not end in there is none to the kernel either. */
	if (length > 2 && line[0] == '#' && line[1] == '!' && size &&
	    start + size < line + FIRST_LINE)
		snprintf(ret_path, PATH_MAX, "%.*s", size, start);
	else
		snprintf(ret_path, PATH_MAX, "%s", _PATH_BSHELL);
}

/* After the exec, are the effective user and group still the real ones? */
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

/* Will the kernel set AT_SECURE, for which the loader ignores preloads? As its
 * cap_bprm_creds_from_file() decides; file capabilities are nothing new to a real root. */
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
		return "is statically linked, so no library can be put before it; "
		       "use a dynamically linked build";
	case ELF_OTHER_MACHINE:
		return "is built for another architecture than libuntorn.so; "
		       "use a build for the same one";
	case ELF_OTHER_LIBC:
		return "is linked to another C library (musl or glibc) than libuntorn.so; "
		       "use a build for the same one";
	case ELF_GO:
		return "is a Go program, which makes its system calls without the C library, so it "
		       "cannot be reached; use a kernel that has atomic writes itself";
	default:
		return NULL;
	}
}

const char *cmd_program_hindrance(char path[PATH_MAX])
{
	for (int depth = 0; depth <= MAX_INTERPRETERS; depth++) {
		AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		int kind = fd < 0 ? -errno : elf_kind(fd);
		/* The kernel does not heed a script's own mode bits, only the interpreter's. */
		if (kind != ELF_NOT_ELF && gains_rights(path))
			return "is set-user-ID, set-group-ID or has file capabilities, and the "
			       "loader then ignores preloads; "
			       "run it as the user whose rights it takes";
		if (kind != ELF_NOT_ELF)
			return explain(kind);
		read_interpreter(fd, path);
	}
	return NULL;
}
