/* SPDX-License-Identifier: Apache-2.0 */
/* vmt_amend.c - changes what the header of a .vmt file says, in place. */
#include "core/trace/crc32c.h"
#include "core/trace/trace.h"
#include "core/trace/vmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int amend(int fd, uint32_t window)
{
	uint8_t head[VMT_HEADER_BYTES];
	uint32_t meta_bytes, crc = 0;
	int err = -EIO;
	char *meta;

	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, vmt_magic, VMT_MAGIC_BYTES) != 0)
		return -ENOTSUP;
	memcpy(&meta_bytes, head + 16, 4);
	if (meta_bytes > VMT_META_MAX)
		return -ENOTSUP;
	meta = malloc(meta_bytes + 1);
	if (!meta)
		return -ENOMEM;
	if (pread(fd, meta, meta_bytes, VMT_HEADER_BYTES) == (ssize_t)meta_bytes) {
		memcpy(head + 12, &window, 4);
		memcpy(head + 20, &crc, 4);
		crc = crc32c(crc32c(0, head, sizeof(head)), meta, meta_bytes);
		memcpy(head + 20, &crc, 4);
		err = pwrite(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) ? 0 : -errno;
	}
	free(meta);
	return err;
}

int trace_amend_window(const char *path, uint32_t window)
{
	struct stat st;
	int fd, err;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOTSUP;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = amend(fd, window);
	if (close(fd) && !err)
		err = -errno;
	return err;
}
