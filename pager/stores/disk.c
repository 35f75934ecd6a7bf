/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - see disk.h. */
#include "pager/stores/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0600

static int refuse(int err, const char *reason, char *why, size_t why_bytes)
{
	snprintf(why, why_bytes, "%s", reason);
	return -err;
}

/* A descriptor or -errno. */
static int open_nameless(const char *directory)
{
	char path[PATH_MAX];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, MODE);

	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	if (snprintf(path, sizeof(path), "%s/vmm-store-XXXXXX", directory) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int open_new(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, MODE);

	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* Does anything in front of DISK_FIRST_BYTE say that the device is in use? */
static bool is_blank(int fd)
{
	static uint64_t chunk[4096 / sizeof(uint64_t)];

	for (uint32_t at = 0; at < DISK_FIRST_BYTE; at += sizeof(chunk)) {
		if (pread(fd, chunk, sizeof(chunk), at) != sizeof(chunk))
			return false;
		for (size_t i = 0; i < sizeof(chunk) / sizeof(chunk[0]); i++)
			if (chunk[i])
				return false;
	}
	return true;
}

static int open_device(struct disk *d, const char *path, char *why, size_t why_bytes)
{
	int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC); /* O_EXCL: not one that is mounted */

	if (fd < 0)
		return refuse(errno, strerror(errno), why, why_bytes);
	d->device = true;
	if (ioctl(fd, BLKGETSIZE64, &d->end_bytes) < 0 || d->end_bytes < 2 * DISK_FIRST_BYTE) {
		close(fd);
		return refuse(ENOSPC, "a device of less than 2 MiB", why, why_bytes);
	}
	if (!is_blank(fd)) {
		close(fd);
		return refuse(
			EEXIST,
			"a device that seems to hold data: its first MiB must be zeros, and would stay so",
			why, why_bytes);
	}
	return fd;
}

int disk_open(struct disk *d, const char *path, char *why, size_t why_bytes)
{
	struct stat st;
	int fd;

	*d = (struct disk){ .fd = -1 };
	why[0] = 0;
	if (stat(path, &st) < 0)
		fd = errno == ENOENT ? open_new(path) : -errno;
	else if (S_ISDIR(st.st_mode))
		fd = open_nameless(path);
	else if (S_ISBLK(st.st_mode))
		fd = open_device(d, path, why, why_bytes);
	else
		fd = refuse(EEXIST, "it exists already, and would be overwritten", why, why_bytes);
	if (fd < 0)
		return why[0] ? fd : refuse(-fd, strerror(-fd), why, why_bytes);
	d->fd = fd;
	d->direct = fcntl(fd, F_SETFL, O_DIRECT) == 0;
	return 0;
}

int disk_grow(struct disk *d, uint64_t end_bytes)
{
	int rc;

	if (end_bytes <= d->end_bytes)
		return 0;
	if (d->device)
		return -ENOSPC;
	do
		rc = fallocate(d->fd, 0, (off_t)d->end_bytes, (off_t)(end_bytes - d->end_bytes));
	while (rc < 0 && errno == EINTR);
	if (rc < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) /* then a write finds out */
		rc = ftruncate(d->fd, (off_t)end_bytes);
	if (rc < 0)
		return -errno;
	d->end_bytes = end_bytes;
	return 0;
}

int disk_use_page_cache(struct disk *d)
{
	if (!d->direct)
		return -EINVAL;
	d->direct = false;
	return fcntl(d->fd, F_SETFL, 0) < 0 ? -errno : 0;
}
