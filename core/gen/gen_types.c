/* SPDX-License-Identifier: Apache-2.0 */
/* gen_types.c - the types of synthetic traces, and the table of them. */
#include "core/gen/gen_internal.h"

#include <errno.h>
#include <stdlib.h>

#define SCAN_BYTES 256u    /* sequential: from one reference to the next */
#define SET_SHARE 10u      /* working_set: one page in so many is in the set */
#define SET_PERCENT 90u    /* and this share of the references goes there */
#define SET_ROUNDS 20u     /* the set moves after so many references to each of its pages */
#define NEAR_PAGES 8u      /* locality: the farthest step */
#define NEAR_PERCENT 95u   /* the rest jumps anywhere */
#define SHARED_PERCENT 40u /* fork: this share of the references goes to shared pages */
#define SHARED_SHARE 4u    /* fork: one page in so many belongs to the shared object */

static void sequential_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	uint64_t at = p->count * SCAN_BYTES;

	rec->vpn = (at >> TRACE_PAGE_SHIFT) % g->config.pages;
	rec->offset = (uint32_t)(at & ((1u << TRACE_PAGE_SHIFT) - 1));
}

static void random_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	rec->vpn = rng_below(&p->rng, g->config.pages);
}

static void working_set_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	uint32_t pages = g->config.pages, set = pages / SET_SHARE ? pages / SET_SHARE : 1;

	if (p->count % ((uint64_t)set * SET_ROUNDS) == 0)
		p->base = (uint32_t)rng_below(&p->rng, pages);
	if (rng_below(&p->rng, 100) < SET_PERCENT)
		rec->vpn = (p->base + rng_below(&p->rng, set)) % pages;
	else
		rec->vpn = rng_below(&p->rng, pages);
}

static void locality_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	uint64_t pages = g->config.pages;

	if (!p->count || rng_below(&p->rng, 100) >= NEAR_PERCENT) {
		p->page = (uint32_t)rng_below(&p->rng, pages);
	} else {
		uint64_t step = rng_below(&p->rng, 2 * NEAR_PAGES + 1); /* 8 stays */

		p->page = (uint32_t)((p->page + pages * NEAR_PAGES + step - NEAR_PAGES) % pages);
	}
	rec->vpn = p->page;
}

/* Round and round, a page each time; thrashing does it for all processes by turns. */
static void loop_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	rec->vpn = p->count % g->config.pages;
}

/* 0, s, 2s ... then 1, s+1 ...: every page once before the first one again. */
static void stride_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	rec->vpn = p->page;
	if (p->page + (uint64_t)g->config.stride < g->config.pages)
		p->page += g->config.stride;
	else
		p->page = (p->page + 1) % g->config.stride % g->config.pages;
}

static void phased_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	uint64_t phase = g->done * g->config.phases / g->config.refs;
	uint64_t first = phase * g->config.pages / g->config.phases;
	uint64_t end = (phase + 1) * g->config.pages / g->config.phases;

	if (end == first)
		end = first + 1;
	rec->vpn = first + (phase & 1 ? p->count % (end - first) : rng_below(&p->rng, end - first));
}

static size_t phased_events(struct gen *g, struct trace_record *records)
{
	static const char *const names[] = { "random", "sweep" };
	uint64_t phase = g->done * g->config.phases / g->config.refs;

	if (phase < g->marks || g->done == g->config.refs)
		return 0;
	g->marks = (uint32_t)phase + 1;
	records[0] =
		(struct trace_record){ .pid = 1, .kind = TRACE_MARK, .name = names[phase & 1] };
	return 1;
}

/* Sattolo's algorithm: one cycle through all pages. */
static int pointer_chase_create(struct gen *g)
{
	struct rng rng = { g->config.seed };
	uint32_t n = g->config.pages;

	g->next_page = malloc(n * sizeof(*g->next_page));
	if (!g->next_page)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		g->next_page[i] = i;
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t k = (uint32_t)rng_below(&rng, i), page = g->next_page[i];

		g->next_page[i] = g->next_page[k];
		g->next_page[k] = page;
	}
	return 0;
}

static void pointer_chase_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	rec->vpn = p->page;
	p->page = g->next_page[p->page];
}

/*
 * The first process maps its private pages and a shared object behind them and fills the private ones in the first quarter of
 * the trace. In the second quarter it forks the others, at equal distances. Everybody reads and writes inherited pages (the
 * writes are copies on write) and shared ones; at the end all exit.
 */
static uint32_t fork_shared(const struct gen *g)
{
	return g->config.pages / SHARED_SHARE;
}

static int fork_create(struct gen *g)
{
	g->alive = 1;
	return 0;
}

static void fork_next(struct gen *g, struct gen_process *p, struct trace_record *rec)
{
	uint32_t shared = fork_shared(g), own = g->config.pages - shared;

	if (g->done < g->config.refs / 4) {
		rec->vpn = p->count % own;
		rec->kind = TRACE_WRITE;
	} else if (shared && rng_below(&p->rng, 100) < SHARED_PERCENT) {
		rec->vpn = own + rng_below(&p->rng, shared);
	} else {
		rec->vpn = rng_below(&p->rng, own);
	}
}

static size_t fork_maps(const struct gen *g, struct trace_record *records)
{
	uint32_t shared = fork_shared(g), own = g->config.pages - shared;

	records[0] = (struct trace_record){ .pid = 1, .kind = TRACE_MAP, .value = own };
	records[1] = (struct trace_record){ .pid = 1,
					    .kind = TRACE_MAP,
					    .vpn = own,
					    .value = shared,
					    .backing = TRACE_SHARED,
					    .object = 1 };
	return shared ? 2 : 1;
}

static size_t fork_events(struct gen *g, struct trace_record *records)
{
	uint64_t quarter = g->config.refs / 4;
	size_t n = 0;

	if (g->done == g->config.refs) {
		for (; g->alive && n < GEN_EVENTS; g->alive--)
			records[n++] = (struct trace_record){ .pid = g->alive, .kind = TRACE_EXIT };
		return n;
	}
	if (!g->done)
		return fork_maps(g, records);
	if (g->alive == g->config.processes ||
	    g->done < quarter + (g->alive - 1) * quarter / g->config.processes)
		return 0;
	records[0] = (struct trace_record){ .pid = 1, .kind = TRACE_FORK, .value = ++g->alive };
	return 1;
}

const struct gen_type gen_types[] = {
	{ "sequential", "each process scans its pages, 256 bytes at a time", 4, 30, 100, NULL,
	  sequential_next, NULL },
	{ "random", "uniformly random pages", 4, 30, 100, NULL, random_next, NULL },
	{ "working_set", "90% in a tenth of the pages, which moves", 4, 30, 100, NULL,
	  working_set_next, NULL },
	{ "locality", "small steps, now and then a jump", 4, 30, 100, NULL, locality_next, NULL },
	{ "thrashing", "all processes sweep all their pages by turns, page by page", 4, 30, 1, NULL,
	  loop_next, NULL },
	{ "zipf", "frequency falls with rank (--alpha)", 1, 0, 100, zipf_create, zipf_next, NULL },
	{ "loop", "round and round, page by page", 1, 0, 100, NULL, loop_next, NULL },
	{ "stride", "every --stride-th page, then those beside them", 1, 0, 100, NULL, stride_next,
	  NULL },
	{ "phased", "--phases regions, one after another: random, sweep, random ...", 1, 30, 100,
	  NULL, phased_next, phased_events },
	{ "pointer_chase", "one random cycle through all pages", 1, 0, 100, pointer_chase_create,
	  pointer_chase_next, NULL },
	{ "fork", "a process forks others; they share, copy on write, and exit", 4, 30, 100,
	  fork_create, fork_next, fork_events },
	{ NULL, NULL, 0, 0, 0, NULL, NULL, NULL },
};
