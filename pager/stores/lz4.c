/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lz4.c - the store that compresses pages in memory with liblz4 (https://lz4.org, block format).
 *
 * A page is stored in the first of these ways that fits:
 *   SAME        all its 8-byte words are equal (zeros above all): the word is in the slot's record
 *   COMPRESSED  to PACK_BYTES_MAX or fewer: an object (pack.h)
 *   WHOLE       as it is, in a page of the pager's: less than an eighth could be saved, and reading is a copy
 *
 * New content is put down before the old one goes, so an error leaves the slot as it was.
 */
#include "pager/store.h"

#if __has_include(<lz4.h>) && !defined(VMM_WITHOUT_LZ4)

#include "pager/slab.h"
#include "pager/stores/pack.h"
#include "pager/stores/slot_table.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define WORDS (STORE_PAGE / sizeof(uint64_t))
#define ACCELERATION 1 /* lz4's default: the best ratio of its fast compressor */

enum kind { SAME, COMPRESSED, WHOLE };

struct record {
	union {
		uint64_t word;  /* SAME */
		uint32_t place; /* COMPRESSED: in the class of its bytes */
		uint32_t page;  /* WHOLE: of the slab */
	};
	uint32_t hash; /* COMPRESSED: of the page; another one tells that a page differs without decompressing */
	uint16_t bytes; /* COMPRESSED */
	uint8_t kind;
};

struct store {
	struct slab *pages;
	struct slot_table slots;
	struct pack pack;
	uint64_t limit_bytes;
	uint64_t compressed, compressed_bytes, whole, same;
	struct store_stats stats;
	void *state; /* of the compressor */
	uint8_t packed[PACK_BYTES_MAX];
	uint8_t unpacked[STORE_PAGE] __attribute__((aligned(16)));
};

static struct record *record_of(const struct store *s, uint32_t slot)
{
	return slot_table_at(&s->slots, slot);
}

/* Pages of the slab, and the tables. */
static uint64_t memory_bytes(const struct store *s)
{
	return (s->whole + s->pack.pages_used) * STORE_PAGE + s->pack.table_bytes +
	       slot_table_bytes(&s->slots);
}

static void note_peaks(struct store *s)
{
	uint64_t stored = (uint64_t)s->slots.n * STORE_PAGE, memory = memory_bytes(s);

	if (memory > s->stats.memory_bytes_peak)
		s->stats.memory_bytes_peak = memory;
	if (stored <= s->stats.stored_bytes_peak)
		return;
	s->stats.stored_bytes_peak = stored;
	s->stats.memory_bytes = memory;
	s->stats.compressed_pages = s->compressed;
	s->stats.compressed_bytes = s->compressed_bytes;
	s->stats.whole_pages = s->whole;
	s->stats.same_filled_pages = s->same;
}

static bool is_same_filled(const uint64_t *word)
{
	uint64_t differ = word[WORDS - 1] ^ word[0];

	for (size_t i = 0; i < WORDS && !differ; i += 8)
		for (size_t k = 0; k < 8; k++)
			differ |= word[i + k] ^ word[0];
	return !differ;
}

static uint32_t hash_of(const void *page)
{
	return (uint32_t)XXH3_64bits(page, STORE_PAGE);
}

/* How the page will be stored. COMPRESSED: its bytes are in s->packed. */
static struct record encode(struct store *s, const void *page)
{
	struct record r = { .kind = WHOLE };
	int bytes;

	if (is_same_filled(page)) {
		r.kind = SAME;
		memcpy(&r.word, page, sizeof(r.word));
		return r;
	}
	bytes = LZ4_compress_fast_extState(s->state, page, (char *)s->packed, STORE_PAGE,
					   PACK_BYTES_MAX, ACCELERATION);
	if (bytes > 0) {
		r.kind = COMPRESSED;
		r.bytes = (uint16_t)bytes;
		r.hash = hash_of(page);
	}
	return r;
}

static int put_object(struct store *s, uint32_t slot, struct record *r)
{
	uint32_t class = pack_class_of(r->bytes);
	uint64_t more_bytes = (uint64_t)pack_growth(&s->pack, class) * STORE_PAGE;

	if (more_bytes && memory_bytes(s) + more_bytes > s->limit_bytes)
		return -ENOSPC;
	r->place = pack_add(&s->pack, class, slot);
	if (r->place == UINT32_MAX)
		return -ENOMEM;
	pack_write(&s->pack, class, r->place, s->packed, r->bytes);
	s->compressed++;
	s->compressed_bytes += r->bytes;
	return 0;
}

/* `take`: a page of the slab that becomes the store's own; STORE_NONE: a copy is made. */
static int put_whole(struct store *s, struct record *r, const void *page, uint32_t take)
{
	if (memory_bytes(s) + STORE_PAGE > s->limit_bytes)
		return -ENOSPC;
	r->page = take;
	if (take == STORE_NONE) {
		r->page = slab_alloc(s->pages);
		if (r->page == UINT32_MAX)
			return -ENOMEM;
		memcpy(slab_page(s->pages, r->page), page, STORE_PAGE);
	}
	s->whole++;
	return 0;
}

static int put(struct store *s, uint32_t slot, struct record *r, const void *page, uint32_t take)
{
	if (r->kind == COMPRESSED)
		return put_object(s, slot, r);
	if (r->kind == WHOLE)
		return put_whole(s, r, page, take);
	s->same++;
	return 0;
}

static void drop(struct store *s, struct record r)
{
	uint32_t moved;

	switch (r.kind) {
	case SAME:
		s->same--;
		break;
	case COMPRESSED:
		s->compressed--;
		s->compressed_bytes -= r.bytes;
		moved = pack_remove(&s->pack, pack_class_of(r.bytes), r.place);
		if (moved != UINT32_MAX)
			record_of(s, moved)->place = r.place;
		break;
	default:
		s->whole--;
		slab_unref(s->pages, r.page);
	}
}

static int store_page(struct store *s, uint32_t *slot, const void *page, uint32_t take)
{
	uint32_t n = *slot;
	struct record r = encode(s, page), old;
	bool fresh = n == STORE_NONE || s->slots.refs[n] > 1;
	int rc;

	if (fresh) {
		n = slot_table_new(&s->slots);
		if (n == UINT32_MAX)
			return -ENOMEM;
	}
	rc = put(s, n, &r, page, take);
	if (rc) {
		if (fresh)
			slot_table_free(&s->slots, n);
		return rc;
	}
	old = *record_of(s, n);
	*record_of(s, n) =
		r; /* before the old object goes: the new one may be moved into its place */
	if (!fresh) {
		drop(s, old);
	} else {
		if (*slot != STORE_NONE)
			s->slots.refs[*slot]--;
		*slot = n;
	}
	if (take != STORE_NONE && r.kind != WHOLE)
		slab_unref(s->pages, take);
	note_peaks(s);
	return 0;
}

static int lz4_write(struct store *s, uint32_t *slot, const void *page)
{
	return store_page(s, slot, page, STORE_NONE);
}

static int lz4_take(struct store *s, uint32_t *slot, uint32_t page)
{
	return store_page(s, slot, slab_page(s->pages, page), page);
}

static int lz4_read(struct store *s, uint32_t slot, void *page)
{
	const struct record r = *record_of(s, slot);
	uint64_t *word = page;
	const void *packed;

	switch (r.kind) {
	case SAME:
		for (size_t i = 0; i < WORDS; i++)
			word[i] = r.word;
		return 0;
	case COMPRESSED:
		packed = pack_read(&s->pack, pack_class_of(r.bytes), r.place, r.bytes, s->packed);
		return LZ4_decompress_safe(packed, page, r.bytes, STORE_PAGE) == STORE_PAGE ? 0
											    : -EIO;
	default:
		memcpy(page, slab_page(s->pages, r.page), STORE_PAGE);
		return 0;
	}
}

static bool lz4_same(struct store *s, uint32_t slot, const void *page)
{
	const struct record *r = record_of(s, slot);

	if (r->kind == SAME)
		return is_same_filled(page) && !memcmp(page, &r->word, sizeof(r->word));
	if (r->kind == WHOLE)
		return !memcmp(page, slab_page(s->pages, r->page), STORE_PAGE);
	return r->hash == hash_of(page) && !lz4_read(s, slot, s->unpacked) &&
	       !memcmp(page, s->unpacked, STORE_PAGE);
}

static void lz4_ref(struct store *s, uint32_t slot)
{
	s->slots.refs[slot]++;
}

static void lz4_unref(struct store *s, uint32_t slot)
{
	if (s->slots.refs[slot] > 1) {
		s->slots.refs[slot]--;
		return;
	}
	drop(s, *record_of(s, slot));
	slot_table_free(&s->slots, slot);
}

static void lz4_stats(const struct store *s, struct store_stats *stats)
{
	*stats = s->stats;
}

static void lz4_close(struct store *s)
{
	pack_destroy(&s->pack);
	slot_table_destroy(&s->slots);
	free(s->state);
	free(s);
}

static int lz4_open(struct store **store, const struct store_setup *setup)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->state = malloc((size_t)LZ4_sizeofState());
	if (!s->state) {
		free(s);
		return -ENOMEM;
	}
	s->pages = s->pack.pages = setup->pages;
	s->limit_bytes = setup->limit_bytes;
	s->slots.record_bytes = sizeof(struct record);
	*store = s;
	return 0;
}

const struct store_ops store_lz4 = {
	.name = "lz4",
	.open = lz4_open,
	.write = lz4_write,
	.read = lz4_read,
	.same = lz4_same,
	.take = lz4_take,
	.ref = lz4_ref,
	.unref = lz4_unref,
	.stats = lz4_stats,
	.close = lz4_close,
};

#else

const struct store_ops store_lz4 = { .name = "lz4" };

#endif
