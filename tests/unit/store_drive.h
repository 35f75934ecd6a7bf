/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_drive.h - a store driven at random beside a plain array that knows what every reference to a slot must read.
 *
 * A holder is one address space's reference: a slot and a full copy of the content that it must have. Included once a test.
 */
#ifndef VMM_TESTS_STORE_DRIVE_H
#define VMM_TESTS_STORE_DRIVE_H

#include "pager/slab.h"
#include "pager/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define HOLDERS 400u

struct holder {
	uint32_t slot;
	uint8_t content[STORE_PAGE];
};

struct drive {
	const struct store_ops *ops;
	struct store *store;
	struct slab pages;
	struct holder holder[HOLDERS];
	uint64_t refused; /* writes that said -ENOSPC or -ENOMEM */
	uint8_t page[STORE_PAGE] __attribute__((aligned(STORE_PAGE)));
};

static uint64_t prng = 1;

static uint32_t pick(uint32_t n)
{
	prng = prng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((prng >> 33) % n);
}

/* Zeros, another word throughout, one byte off that, text-like, noise for a part of any length, noise. */
static void make_content(uint8_t *page)
{
	uint32_t kind = pick(8), noise = kind == 7 ? STORE_PAGE : pick(STORE_PAGE);
	uint64_t word = kind ? ((uint64_t)pick(1u << 30) << 32 | pick(1u << 30)) : 0;

	for (uint32_t i = 0; i < STORE_PAGE; i += sizeof(word))
		memcpy(page + i, &word, sizeof(word));
	if (kind == 2)
		page[pick(2) ? STORE_PAGE - 1 : pick(STORE_PAGE)] ^= (uint8_t)(1 + pick(255));
	if (kind >= 3)
		for (uint32_t i = 0; i < noise; i++)
			page[i] = (uint8_t)(kind < 5 ? 'a' + pick(8) : pick(256));
}

/* Skips the test where the store is not built in, or the kernel refuses io_uring (containers). */
static void skip_unless(const char *spec)
{
	char why[128] = "";

	if (!pager_store_probe(spec, why, sizeof(why)))
		return;
	if (pager_store_check(spec) != -ENOTSUP && !strstr(why, "io_uring"))
		fail_msg("%s: %s", spec, why);
	print_message("%s: %s\n", spec, why);
	skip();
}

static int drive_open(struct drive *d, const char *spec, uint64_t limit_bytes, uint64_t latency_ns)
{
	const struct store_setup setup = { .pages = &d->pages,
					   .limit_bytes = limit_bytes,
					   .latency_ns = latency_ns };

	memset(d, 0, sizeof(*d));
	for (uint32_t i = 0; i < HOLDERS; i++)
		d->holder[i].slot = STORE_NONE;
	return store_open(spec, &setup, &d->ops, &d->store);
}

static void drive_read(struct drive *d, struct holder *h)
{
	const void *in_place = d->ops->map ? d->ops->map(d->store, h->slot) : NULL;

	memset(d->page, 0x5a, sizeof(d->page));
	assert_int_equal(d->ops->read(d->store, h->slot, d->page), 0);
	assert_memory_equal(d->page, h->content, STORE_PAGE);
	if (in_place)
		assert_memory_equal(in_place, h->content, STORE_PAGE);
	assert_true(d->ops->same(d->store, h->slot, d->page));
	d->page[pick(STORE_PAGE)] ^= 1;
	assert_false(d->ops->same(d->store, h->slot, d->page));
}

/* A page of the slab with this content, given to the store. */
static int drive_take(struct drive *d, struct holder *h)
{
	uint32_t page = slab_alloc(&d->pages);
	int rc;

	if (page == UINT32_MAX)
		return -ENOMEM;
	memcpy(slab_page(&d->pages, page), d->page, STORE_PAGE);
	rc = d->ops->take(d->store, &h->slot, page);
	if (rc)
		slab_unref(&d->pages, page);
	return rc;
}

static void drive_write(struct drive *d, struct holder *h)
{
	uint32_t slot = h->slot;
	int rc;

	make_content(d->page);
	rc = d->ops->take && pick(2) ? drive_take(d, h)
				     : d->ops->write(d->store, &h->slot, d->page);
	if (rc) {
		assert_true(rc == -ENOSPC || rc == -ENOMEM);
		assert_int_equal(h->slot, slot);
		d->refused++;
		return;
	}
	memcpy(h->content, d->page, STORE_PAGE);
}

static void drive_drop(struct drive *d, struct holder *h)
{
	d->ops->unref(d->store, h->slot);
	h->slot = STORE_NONE;
}

static void drive_read_many(struct drive *d)
{
	static uint8_t pages[HOLDERS][STORE_PAGE] __attribute__((aligned(STORE_PAGE)));
	uint32_t slots[HOLDERS], n = 0;
	void *to[HOLDERS];

	for (uint32_t i = 0; i < HOLDERS; i++)
		if (d->holder[i].slot != STORE_NONE) {
			slots[n] = d->holder[i].slot;
			to[n++] = pages[i];
		}
	assert_int_equal(store_read_many(d->ops, d->store, n, slots, to), 0);
	for (uint32_t i = 0; i < HOLDERS; i++)
		if (d->holder[i].slot != STORE_NONE)
			assert_memory_equal(pages[i], d->holder[i].content, STORE_PAGE);
}

static void drive_steps(struct drive *d, uint32_t steps)
{
	while (steps--) {
		struct holder *h = &d->holder[pick(HOLDERS)], *from = &d->holder[pick(HOLDERS)];
		uint32_t what = pick(100);

		if (what < 45 || h->slot == STORE_NONE) {
			drive_write(d, h);
		} else if (what < 75) {
			drive_read(d, h);
		} else if (what < 85) {
			drive_drop(d, h);
		} else if (what < 99) {
			if (h == from || from->slot == STORE_NONE)
				continue;
			drive_drop(d, h);
			d->ops->ref(d->store, from->slot);
			*h = *from;
		} else if (what < 100 && !pick(20)) {
			drive_read_many(d);
		}
	}
}

static void drive_read_all(struct drive *d)
{
	for (uint32_t i = 0; i < HOLDERS; i++)
		if (d->holder[i].slot != STORE_NONE)
			drive_read(d, &d->holder[i]);
	drive_read_many(d);
}

/* No page of it is in use any more. */
static void slab_end(struct slab *s)
{
	assert_int_equal(s->free, s->chunks * SLAB_CHUNK_PAGES);
	for (uint32_t i = 0; i < s->chunks; i++)
		munmap(s->chunk[i], (size_t)SLAB_CHUNK_PAGES * STORE_PAGE);
	free(s->chunk);
	free(s->refs);
	free(s->stack);
}

/* Everything is read once more and released; no page of the slab stays behind. */
static void drive_close(struct drive *d)
{
	drive_read_all(d);
	for (uint32_t i = 0; i < HOLDERS; i++)
		if (d->holder[i].slot != STORE_NONE)
			drive_drop(d, &d->holder[i]);
	d->ops->close(d->store);
	slab_end(&d->pages);
}

#endif
