/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shards.c - SHARDS (shards.h).
 *
 * Sampled pages have slots, reused when a page leaves the sample; slots are the page ids of a stack_distance. With a fixed
 * size the slots form a heap, largest hash on top.
 *
 * Weights by distance are kept in buckets, BUCKETS_OCTAVE to a factor of two, so a size is off by less than 1/128. A
 * reference weighs 1/R at its time; the sum of weights estimates the references.
 */
#define HASH_NONFATAL_OOM 1
#include "core/replay/shards.h"
#include "core/replay/stack_distance.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->slot = UINT32_MAX)

#define PAGE_MASK 0x7FFFFFFFu
#define BUCKETS_SHIFT 7
#define BUCKETS_OCTAVE (1u << BUCKETS_SHIFT)
#define BUCKETS (BUCKETS_OCTAVE * 64u)

struct sampled {
	uint32_t page, hash, slot;
	UT_hash_handle hh;
};

struct shards {
	uint64_t threshold; /* of the 32-bit hash; 2^32: every page */
	uint64_t salt;
	uint32_t pages_max;
	struct sampled *pages; /* uthash head */
	struct sampled **heap; /* largest hash first; with pages_max */
	uint32_t heap_count;
	uint32_t slots, *free_slots, free_count, free_capacity;
	struct stack_distance distance;
	double weight[BUCKETS];
	double cold;         /* weight of first references */
	uint64_t references; /* all, sampled or not, since shards_warm */
	uint64_t sampled;
};

/* The finalizer of splitmix64, high half. */
static inline uint32_t hash_page(uint32_t page, uint64_t salt)
{
	uint64_t z = page + salt;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

struct shards *shards_create(double rate, uint32_t pages_max, uint64_t salt)
{
	struct shards *s;

	if (!(rate > 0 && rate <= 1))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->threshold = (uint64_t)(rate * 4294967296.0);
	s->threshold += s->threshold == 0;
	s->salt = (salt + 1) * 0x9E3779B97F4A7C15u;
	s->pages_max = pages_max;
	if (pages_max)
		s->heap = calloc((size_t)pages_max + 1, sizeof(struct sampled *));
	if (stack_distance_init(&s->distance) || (pages_max && !s->heap)) {
		shards_destroy(s);
		return NULL;
	}
	return s;
}

void shards_destroy(struct shards *s)
{
	struct sampled *p, *next;

	if (!s)
		return;
	p = s->pages;
	HASH_CLEAR(hh, s->pages);
	for (; p; p = next) {
		next = p->hh.next;
		free(p);
	}
	stack_distance_destroy(&s->distance);
	free(s->heap);
	free(s->free_slots);
	free(s);
}

static void heap_push(struct shards *s, struct sampled *p)
{
	uint32_t i = s->heap_count++;

	for (; i && s->heap[(i - 1) / 2]->hash < p->hash; i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = p;
}

static struct sampled *heap_pop(struct shards *s)
{
	struct sampled *top = s->heap[0], *last = s->heap[--s->heap_count];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < s->heap_count) {
		if (child + 1 < s->heap_count && s->heap[child + 1]->hash > s->heap[child]->hash)
			child++;
		if (s->heap[child]->hash <= last->hash)
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
	return top;
}

static int slot_free(struct shards *s, uint32_t slot)
{
	if (s->free_count == s->free_capacity) {
		uint32_t n = s->free_capacity ? 2 * s->free_capacity : 64;
		uint32_t *p = realloc(s->free_slots, n * sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->free_slots = p;
		s->free_capacity = n;
	}
	s->free_slots[s->free_count++] = slot;
	return 0;
}

/* The page with the largest hash leaves, and all others with the same hash. */
static int sample_shrink(struct shards *s)
{
	int err = 0;

	s->threshold = s->heap[0]->hash;
	while (s->heap_count && s->heap[0]->hash >= s->threshold && !err) {
		struct sampled *p = heap_pop(s);

		stack_distance_forget(&s->distance, p->slot);
		err = slot_free(s, p->slot);
		HASH_DEL(s->pages, p);
		free(p);
	}
	return err;
}

static struct sampled *sample_add(struct shards *s, uint32_t page, uint32_t hash)
{
	struct sampled *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->page = page;
	p->hash = hash;
	p->slot = s->free_count ? s->free_slots[s->free_count - 1] : s->slots;
	HASH_ADD(hh, s->pages, page, sizeof(p->page), p);
	if (p->slot == UINT32_MAX) {
		free(p);
		return NULL;
	}
	if (s->free_count)
		s->free_count--;
	else
		s->slots++;
	if (s->pages_max)
		heap_push(s, p);
	return p;
}

static uint32_t bucket_of(uint64_t distance)
{
	uint32_t octave;

	if (distance < BUCKETS_OCTAVE)
		return (uint32_t)distance;
	octave = 63 - (uint32_t)__builtin_clzll(distance) - BUCKETS_SHIFT;
	return (octave << BUCKETS_SHIFT) + (uint32_t)(distance >> octave);
}

static int reference(struct shards *s, uint32_t page, uint32_t hash)
{
	double rate = shards_rate(s);
	struct sampled *p;
	uint32_t distance, slot;
	int err;

	HASH_FIND(hh, s->pages, &page, sizeof(page), p);
	if (!p)
		p = sample_add(s, page, hash);
	if (!p)
		return -ENOMEM;
	slot = p->slot;
	err = stack_distance_feed(&s->distance, &slot, 1, s->slots, &distance);
	if (err)
		return err;
	s->sampled++;
	if (distance == STACK_DISTANCE_COLD)
		s->cold += 1 / rate;
	else
		s->weight[bucket_of((uint64_t)((double)distance / rate))] += 1 / rate;
	return s->pages_max && s->heap_count > s->pages_max ? sample_shrink(s) : 0;
}

int shards_feed(struct shards *s, const uint32_t *refs, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		uint32_t page = refs[i] & PAGE_MASK, hash = hash_page(page, s->salt);

		if (hash < s->threshold)
			err = reference(s, page, hash);
	}
	s->references += n;
	return err;
}

/* It stays in the sample, as it would be there again when it comes back. */
int shards_gone(struct shards *s, uint32_t page)
{
	struct sampled *p;

	HASH_FIND(hh, s->pages, &page, sizeof(page), p);
	return p ? stack_distance_gone(&s->distance, p->slot) : 0;
}

void shards_warm(struct shards *s)
{
	memset(s->weight, 0, sizeof(s->weight));
	s->cold = 0;
	s->references = s->sampled = 0;
}

double shards_miss_ratio(const struct shards *s, uint64_t frames)
{
	uint32_t first = bucket_of(frames) + 1;
	double misses = s->cold;

	if (!s->references)
		return 0;
	for (uint32_t b = first; b < BUCKETS; b++)
		misses += s->weight[b];
	misses /= (double)s->references;
	return misses < 0 ? 0 : misses > 1 ? 1 : misses;
}

double shards_rate(const struct shards *s)
{
	return (double)s->threshold / 4294967296.0;
}

uint64_t shards_sampled(const struct shards *s)
{
	return s->sampled;
}

uint32_t shards_pages(const struct shards *s)
{
	return HASH_COUNT(s->pages);
}

/* Student's t, 97.5%, by degrees of freedom. */
static double student(uint32_t freedom)
{
	static const double t[] = { 0,     12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
				    2.306, 2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131 };

	return freedom < sizeof(t) / sizeof(t[0]) ? t[freedom] : 2.0;
}

void shards_interval(const double *values, uint32_t n, double *mean, double *half)
{
	double sum = 0, squares = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += values[i];
	*mean = n ? sum / n : 0;
	for (uint32_t i = 0; i < n; i++)
		squares += (values[i] - *mean) * (values[i] - *mean);
	*half = n < 2 ? 0 : student(n - 1) * sqrt(squares / (n - 1) / n);
}
