/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c - the store in a file or on a block device, written in the background (file.h).
 *
 * `same` compares with a 128-bit hash of what was written (seeded, so that no program can aim at it), not with the disk: a read on
 * every eviction would cost more than the write that it may save.
 */
#include "pager/store.h"

#if __has_include(<liburing.h>) && !defined(VMM_WITHOUT_URING)

#include "pager/stores/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static XXH128_hash_t hash_of(const struct store *s, const void *page)
{
	return XXH3_128bits_withSeed(page, STORE_PAGE, s->seed);
}

static void note_peaks(struct store *s)
{
	uint64_t stored = (uint64_t)s->slots.n * STORE_PAGE;
	uint64_t memory = (uint64_t)s->buffered * STORE_PAGE + slot_table_bytes(&s->slots);

	if (stored > s->stats.stored_bytes_peak)
		s->stats.stored_bytes_peak = stored;
	if (memory > s->stats.memory_bytes_peak)
		s->stats.memory_bytes_peak = memory;
}

/* One page more in memory: `take`, or a copy. STORE_NONE and *rc. */
static uint32_t buffer_page(struct store *s, const void *page, uint32_t take, int *rc)
{
	uint32_t n = take;

	*rc = file_make_room(s);
	if (!*rc && s->buffered >= s->limit_pages)
		*rc = -ENOSPC;
	if (*rc)
		return STORE_NONE;
	if (take == STORE_NONE) {
		n = slab_alloc(s->pages);
		if (n == UINT32_MAX) {
			*rc = -ENOMEM;
			return STORE_NONE;
		}
		memcpy(slab_page(s->pages, n), page, STORE_PAGE);
	}
	s->buffered++;
	return n;
}

/* Nobody reads it but us yet: it needs no more memory. */
static void replace_queued(struct store *s, struct file_record *r, const void *page, uint32_t take)
{
	if (take == STORE_NONE) {
		memcpy(slab_page(s->pages, r->page), page, STORE_PAGE);
	} else {
		slab_unref(s->pages, r->page);
		r->page = take;
	}
}

static int store_page(struct store *s, uint32_t *slot, const void *page, uint32_t take)
{
	bool fresh = *slot == STORE_NONE || s->slots.refs[*slot] > 1;
	XXH128_hash_t hash = hash_of(s, page);
	uint32_t n = *slot, buffer;
	struct file_record *r;
	int rc;

	if (!fresh && file_record(s, n)->state == QUEUED) {
		replace_queued(s, file_record(s, n), page, take);
		file_record(s, n)->hash = hash;
		return 0;
	}
	buffer = buffer_page(s, page, take, &rc);
	if (buffer == STORE_NONE)
		return rc;
	if (fresh) {
		n = slot_table_new(&s->slots);
		if (n == UINT32_MAX) {
			s->buffered--;
			if (take == STORE_NONE)
				slab_unref(s->pages, buffer);
			return -ENOMEM;
		}
		if (*slot != STORE_NONE)
			s->slots.refs[*slot]--;
		*slot = n;
	} else {
		file_forget(s, n);
	}
	r = file_record(s, n);
	r->hash = hash;
	r->page = buffer;
	file_enqueue(s, n);
	note_peaks(s);
	if (s->queued >= FILE_BATCH_MIN)
		file_submit(
			s); /* the page is safe: a failure is for the next write to tell, if it lasts */
	return 0;
}

static int file_write(struct store *s, uint32_t *slot, const void *page)
{
	return store_page(s, slot, page, STORE_NONE);
}

static int file_take(struct store *s, uint32_t *slot, uint32_t page)
{
	return store_page(s, slot, slab_page(s->pages, page), page);
}

static int read_block(struct store *s, uint32_t block, void *page)
{
	uint64_t offset = file_offset(s, block);
	size_t have = 0;

	while (have < STORE_PAGE) {
		ssize_t n = pread(s->disk.fd, (uint8_t *)page + have, STORE_PAGE - have,
				  (off_t)(offset + have));

		if (n > 0)
			have += (size_t)n;
		else if (n == 0)
			return -EIO; /* somebody cut the file */
		else if (errno != EINTR && (errno != EINVAL || disk_use_page_cache(&s->disk)))
			return -errno;
	}
	return 0;
}

static int file_read(struct store *s, uint32_t slot, void *page)
{
	const struct file_record *r = file_record(s, slot);

	if (r->state == ON_DISK)
		return read_block(s, r->block, page);
	memcpy(page, slab_page(s->pages, r->page), STORE_PAGE);
	return 0;
}

/* At most FILE_READS_MAX. A read that fails or comes short is done again by itself, which tells why. */
static int read_some(struct store *s, uint32_t n, const uint32_t *slots, void *const *pages)
{
	int rc = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct file_record *r = file_record(s, slots[i]);
		struct io_uring_sqe *sqe;

		s->read_result[i] = -ENODATA;
		if (r->state != ON_DISK)
			continue;
		sqe = io_uring_get_sqe(&s->ring);
		io_uring_prep_read(sqe, s->disk.fd, pages[i], STORE_PAGE, file_offset(s, r->block));
		io_uring_sqe_set_data64(sqe, FILE_RUNS + i);
		s->reads_under_way++;
	}
	while (s->reads_under_way && !rc)
		rc = file_enter(s, 1);
	for (uint32_t i = 0; i < n && !rc; i++)
		if (s->read_result[i] != STORE_PAGE)
			rc = file_read(s, slots[i], pages[i]);
	return rc;
}

static int file_read_many(struct store *s, uint32_t n, const uint32_t *slots, void *const *pages)
{
	int rc = 0;

	for (uint32_t i = 0; i < n && !rc; i += FILE_READS_MAX)
		rc = read_some(s, n - i < FILE_READS_MAX ? n - i : FILE_READS_MAX, slots + i,
			       pages + i);
	return rc;
}

static bool file_same(struct store *s, uint32_t slot, const void *page)
{
	const struct file_record *r = file_record(s, slot);

	if (r->state != ON_DISK)
		return !memcmp(page, slab_page(s->pages, r->page), STORE_PAGE);
	return XXH128_isEqual(r->hash, hash_of(s, page));
}

static void file_ref(struct store *s, uint32_t slot)
{
	s->slots.refs[slot]++;
}

static void file_unref(struct store *s, uint32_t slot)
{
	if (--s->slots.refs[slot])
		return;
	file_forget(s, slot);
	slot_table_free(&s->slots, slot);
}

static int file_flush(struct store *s)
{
	int rc = file_submit(s);

	while (!rc && s->runs_under_way) {
		rc = file_enter(s, 1);
		if (!rc)
			rc = file_submit(s);
	}
	return rc ? rc : s->queued ? -s->stats.last_error : 0;
}

static void file_stats(const struct store *s, struct store_stats *stats)
{
	*stats = s->stats;
	stats->on_disk = true;
	stats->direct = s->disk.direct;
	stats->file_bytes = (uint64_t)s->blocks.n * STORE_PAGE;
}

static void file_close(struct store *s)
{
	while (s->runs_under_way && !file_enter(s, 1))
		;
	io_uring_queue_exit(&s->ring);
	close(s->disk.fd);
	blocks_destroy(&s->blocks);
	slot_table_destroy(&s->slots);
	free(s);
}

static int file_probe(const char *path, char *why, size_t why_bytes)
{
	struct io_uring ring;
	struct disk disk;
	int rc = disk_open(&disk, path, why, why_bytes);

	if (rc)
		return rc;
	close(disk.fd);
	rc = file_ring_open(&ring);
	if (rc)
		snprintf(why, why_bytes, "io_uring cannot be used here: %s", strerror(-rc));
	else
		io_uring_queue_exit(&ring);
	return rc;
}

static int file_open(struct store **store, const struct store_setup *setup)
{
	struct store *s = calloc(1, sizeof(*s));
	uint64_t limit_pages = setup->limit_bytes / STORE_PAGE;
	char why[128];
	int rc;

	if (!s)
		return -ENOMEM;
	rc = disk_open(&s->disk, setup->argument, why, sizeof(why));
	if (rc)
		goto out;
	rc = file_ring_open(&s->ring);
	if (!rc && getrandom(&s->seed, sizeof(s->seed), 0) != sizeof(s->seed))
		rc = -EIO;
	if (rc)
		goto out_disk;
	s->pages = setup->pages;
	s->slots.record_bytes = sizeof(struct file_record);
	s->head = s->tail = STORE_NONE;
	s->limit_pages = limit_pages < UINT32_MAX ? (uint32_t)limit_pages : UINT32_MAX;
	s->buffer_max = s->limit_pages / 2 < FILE_BUFFER_MAX ? s->limit_pages / 2 : FILE_BUFFER_MAX;
	*store = s;
	return 0;
out_disk:
	close(s->disk.fd);
out:
	free(s);
	return rc;
}

const struct store_ops store_file = {
	.name = "file",
	.takes_argument = true,
	.probe = file_probe,
	.open = file_open,
	.write = file_write,
	.read = file_read,
	.read_many = file_read_many,
	.same = file_same,
	.take = file_take,
	.ref = file_ref,
	.unref = file_unref,
	.flush = file_flush,
	.stats = file_stats,
	.close = file_close,
};

#else

const struct store_ops store_file = { .name = "file", .takes_argument = true };

#endif
