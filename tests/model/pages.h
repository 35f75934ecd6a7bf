/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages.h - a brute-force model of the policies of class T, X, R1 and R0 when every reference is seen, as in a simulator:
 * one list operation a sentence of the paper, all of them linear. It shares no code with core/. (model.h is the model of
 * what a live run sees.)
 *
 * Time is the number of references completed. A list has its oldest, or least recently used, member first.
 */
#ifndef TESTS_MODEL_PAGES_H
#define TESTS_MODEL_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGES_NOBODY UINT32_MAX
#define PAGES_MAX 2048u /* page numbers are below this */
#define PAGES_VALUES 8

struct pages_ref {
	uint32_t page;
	bool write;
};

struct pages_counts {
	uint64_t faults, evictions, evictions_dirty;
	uint64_t writebacks;
	uint64_t resident_sum; /* after each reference, for policies that give pages back */
};

struct list {
	uint32_t n;
	uint32_t page[PAGES_MAX];
};

/* What is known of a page. The policy's own fields mean what it says. */
struct mem_page {
	uint32_t frame; /* PAGES_NOBODY: not resident */
	bool referenced, dirty;
	bool hot, test, scheduled;
	bool stored;          /* it has been written, so that it is read when it comes back */
	uint64_t clean_at_ns; /* its write-back is complete then; 0: none is under way */
	uint64_t count, used, order, key;
	uint64_t hist[8], last;
};

struct mem {
	uint32_t frames, used;
	const uint64_t *value; /* parameters, in the order of `vmm policies NAME` */
	const struct pages_ref *ref;
	size_t n_refs, now;
	struct pages_counts *counts;
	struct mem_page page[PAGES_MAX];
	uint32_t free_frame[PAGES_MAX],
		n_free;   /* left and not taken again; the last is taken first */
	uint32_t n_fresh; /* frames that were ever taken */
	struct list a, b, ghost_a, ghost_b;
	double p;
	bool evicted;
	uint64_t reads;             /* of pages that were stored */
	uint64_t device[PAGES_MAX]; /* when each of the writes under way ends, whosever they are */
	uint32_t n_device;
	bool load_clear; /* pages are loaded unreferenced, whatever the table says */
	uint32_t hand, hand_cold, hand_test, hot, cold;
	uint64_t last_tick, age, sequence, prng;
	uint8_t sketch[4][PAGES_MAX];
	struct {
		double rate, rate_before, rate_first;
		long hit_before, hits, periods_idle, periods_worse;
		long a_max, b_max; /* of the lists */
	} learn;
};

struct pages_policy {
	const char *name;
	void (*miss)(struct mem *m, uint32_t x); /* x is not resident; ends with load(m, x) */
	void (*hit)(struct mem *m, uint32_t x);  /* NULL: sets the reference bit */
	bool loaded_referenced;                  /* the bit of a page that is loaded */
	void (*after)(struct mem *m,
		      uint32_t x); /* each reference to x; now counts it already. Or NULL */
};

/* 0; -EINVAL when there is no such policy or a page number is too large; -ENOMEM. */
int pages_run(const char *policy, const uint64_t *value, uint32_t frames,
	      const struct pages_ref *ref, size_t n, struct pages_counts *counts);

/* The fewest faults possible, by trying every choice of victims. Pages below 16. */
uint64_t pages_fewest_faults(uint32_t frames, const struct pages_ref *ref, size_t n);

/* For the policies. */
extern const struct pages_policy pages_stacks[], pages_clocks[], pages_ghosts[], pages_mixed[],
	pages_learning[], pages_simple[]; /* end: NULL name */
void clockpro_miss(struct mem *m, uint32_t x);

void list_push(struct list *l, uint32_t page);
void list_push_front(struct list *l, uint32_t page);
bool list_has(const struct list *l, uint32_t page);
bool list_drop(struct list *l, uint32_t page); /* true when it was there */
uint32_t list_shift(struct list *l);           /* the first */
uint32_t list_index(const struct list *l, uint32_t page);
void list_put(struct list *l, uint32_t at, uint32_t page);

uint64_t draw_bits(struct mem *m);                     /* splitmix64 */
double draw(struct mem *m);                            /* in [0, 1): the upper 53 bits */
uint32_t share(const struct mem *m, uint64_t percent); /* max(1, floor) */
static inline bool full(const struct mem *m)
{
	return m->used == m->frames;
}
void leave(struct mem *m, uint32_t page);
void load(struct mem *m, uint32_t page);
uint32_t in_frame(const struct mem *m, uint32_t frame); /* PAGES_NOBODY */

#endif
