/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - the file or device behind the file store: made so that it has no name, and never over anybody's data.
 *
 *   a directory          a file without a name in it (O_TMPFILE, or made and unlinked)
 *   a path that is free  a file that is unlinked as soon as it is open
 *   a block device       as it is, from DISK_FIRST_BYTE on. What comes before is left alone and must be zeros: there every
 *                        partition table, file system and swap area has its mark, so a device that is in use is refused.
 *   anything else        is refused
 *
 * Reads and writes go around the page cache (O_DIRECT) where the file system allows it.
 */
#ifndef PAGER_STORES_DISK_H
#define PAGER_STORES_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_FIRST_BYTE (1u << 20)

struct disk {
	int fd;
	bool direct;        /* without the page cache */
	bool device;        /* its size is given */
	uint64_t end_bytes; /* what it has room for so far; a device: its size */
};

/* 0, or -errno and the reason in words. */
int disk_open(struct disk *d, const char *path, char *why, size_t why_bytes);

/* Room for so many bytes in all, which the file system sets aside where it can. 0 or -errno: as it was. */
int disk_grow(struct disk *d, uint64_t end_bytes);

/* A file system may take the flag and refuse the transfers: from now on through the page cache. 0, -errno: it was so already. */
int disk_use_page_cache(struct disk *d);

#endif
