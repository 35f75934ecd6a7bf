/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - files that vmm writes (output.h). */
#include "cli/output.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A terminal, a pipe, /dev/stdout, any symbolic link: written in place. A file, there or not: replaced in one step. */
static bool written_in_place(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && !S_ISREG(st.st_mode);
}

int output_probe(const char *path)
{
	char copy[PATH_MAX];
	struct stat st;

	if (!strcmp(path, "-"))
		return 0;
	if (strlen(path) >= sizeof(copy) - 8)
		return -ENAMETOOLONG;
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (written_in_place(path))
		return access(path, F_OK) || !access(path, W_OK) ? 0 : -errno;
	strcpy(copy, path);
	return access(dirname(copy), W_OK | X_OK) ? -errno : 0;
}

static int write_all(FILE *file, output_fn write, const void *arg)
{
	int err;

	errno = 0;
	err = write(file, arg);
	if (!err && (fflush(file) || ferror(file)))
		err = errno ? -errno : -EIO;
	return err;
}

static int replace(const char *path, output_fn write, const void *arg)
{
	char temporary[PATH_MAX];
	FILE *file = NULL;
	mode_t mask;
	int fd, err;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	mask = umask(0);
	umask(mask);
	err = fchmod(fd, 0666 & ~mask) ? -errno : 0;
	if (!err)
		file = fdopen(fd, "w");
	if (!err && !file)
		err = -errno;
	if (!err)
		err = write_all(file, write, arg);
	if (file ? fclose(file) : close(fd))
		err = err ? err : -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

int output_write(const char *path, output_fn write, const void *arg)
{
	FILE *file;
	int err;

	if (!strcmp(path, "-"))
		return write_all(stdout, write, arg);
	if (!written_in_place(path))
		return replace(path, write, arg);
	file = fopen(path, "we");
	err = file ? write_all(file, write, arg) : -errno;
	if (file && fclose(file) && !err)
		err = -errno;
	return err;
}

int output_written(const char *path, const char *what, int err)
{
	if (err)
		complain(path, NULL, "the %s could not be written: %s", what, strerror(-err));
	return err;
}

bool output_is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}
