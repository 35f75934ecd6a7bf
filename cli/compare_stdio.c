/* SPDX-License-Identifier: Apache-2.0 */
/* compare_stdio.c - see compare_stdio.h. */
#include "cli/compare_stdio.h"
#include "cli/sim_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A file without a name. */
static int temporary(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	FILE *file;

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	file = tmpfile(); /* not every file system has the former */
	if (!file)
		return -errno;
	fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
	fclose(file);
	return fd < 0 ? -errno : fd;
}

static int copy_all(int from, int to)
{
	char block[65536];
	ssize_t n, done, part;

	while ((n = read(from, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (done = 0; done < n; done += part) {
			part = write(to, block + done, (size_t)(n - done));
			if (part < 0)
				return -errno;
		}
	}
	return 0;
}

int compare_stdio_open(struct compare_stdio *io)
{
	int err = 0;

	*io = (struct compare_stdio){ .in = -1, .saved = { -1, -1, -1 } };
	io->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	io->out = temporary();
	if (io->null < 0 || io->out < 0)
		err = io->out < 0 ? io->out : -errno;
	else if (isatty(0) || fcntl(0, F_GETFD) < 0)
		io->in = fcntl(io->null, F_DUPFD_CLOEXEC, 3);
	else if (lseek(0, 0, SEEK_CUR) >= 0)
		io->in = fcntl(0, F_DUPFD_CLOEXEC, 3);
	else if ((io->in = temporary()) >= 0)
		err = copy_all(0, io->in);
	if (!err && io->in < 0)
		err = io->in;
	if (err)
		compare_stdio_close(io);
	return err;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void compare_stdio_close(struct compare_stdio *io)
{
	close_fd(io->in);
	close_fd(io->out);
	close_fd(io->null);
}

int compare_stdio_enter(struct compare_stdio *io, bool messages)
{
	const int run[3] = { io->in, io->out, messages ? 2 : io->null };

	lseek(io->in, 0, SEEK_SET); /* a device has no beginning */
	if (ftruncate(io->out, 0) || lseek(io->out, 0, SEEK_SET) < 0)
		return -errno;
	fflush(stdout);
	for (int i = 0; i < 3; i++) {
		io->saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (run[i] != i && dup2(run[i], i) < 0) {
			int err = -errno;

			compare_stdio_leave(io);
			return err;
		}
	}
	return 0;
}

void compare_stdio_leave(struct compare_stdio *io)
{
	for (int i = 0; i < 3; i++) {
		if (io->saved[i] >= 0)
			dup2(io->saved[i], i);
		close_fd(io->saved[i]);
		io->saved[i] = -1;
	}
}

void compare_stdio_digest(const struct compare_stdio *io, char hex[65])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", io->out);
	trace_sha256(path, hex);
}
