/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_zipf.c - references whose frequency falls with their rank, in integers, so that every machine makes the same ones.
 *
 * The weight of rank i (from 0) is floor(2^40 / (i+1)^alpha); W is their sum. A reference takes r, the high 64 bits of next() * W, and
 * the first rank whose cumulative weight exceeds r; its page is rank * 7919 mod pages. For alpha = 1 this needs no floating
 * point at all; other exponents use pow().
 *
 * Law: guide[b] <= the rank of every r with r >> guide_shift == b <= guide[b + 1].
 */
#include "core/gen/gen_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define WEIGHT_ONE (1ull << 40)
#define SPREAD 7919u
#define GUIDE_BITS 18u

static uint64_t weight(uint32_t rank, double alpha)
{
	uint64_t place = (uint64_t)rank + 1;

	if (alpha == 1)
		return WEIGHT_ONE / place;
	return (uint64_t)((double)WEIGHT_ONE / pow((double)place, alpha));
}

int zipf_create(struct gen *g)
{
	struct zipf *z = &g->zipf;
	uint32_t n = g->config.pages, rank = 0;
	uint64_t sum = 0;

	z->cumulative = malloc(n * sizeof(*z->cumulative));
	z->guide = malloc(((1u << GUIDE_BITS) + 1) * sizeof(*z->guide));
	if (!z->cumulative || !z->guide)
		return -ENOMEM;
	z->ranks = n;
	for (uint32_t i = 0; i < n; i++) {
		sum += weight(i, g->config.alpha);
		z->cumulative[i] = sum;
	}
	while (sum >> z->guide_shift >= 1u << GUIDE_BITS)
		z->guide_shift++;
	for (uint64_t b = 0; b <= 1u << GUIDE_BITS; b++) {
		while (rank < n - 1 && z->cumulative[rank] <= b << z->guide_shift)
			rank++;
		z->guide[b] = rank;
	}
	return 0;
}

void zipf_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	const struct zipf *z = &g->zipf;
	uint64_t r = rng_below(&p->rng, z->cumulative[z->ranks - 1]);
	uint32_t low = z->guide[r >> z->guide_shift], high = z->guide[(r >> z->guide_shift) + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (z->cumulative[middle] > r)
			high = middle;
		else
			low = middle + 1;
	}
	rec->vpn = (uint64_t)low * SPREAD % z->ranks;
}

void zipf_destroy(struct zipf *z)
{
	free(z->cumulative);
	free(z->guide);
}
