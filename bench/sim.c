/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.c - the speed of policy-only replay: `make bench-sim`.
 *
 *   sim [FRAMES [POLICY...]]      all policies, or those
 *
 * The trace is zipf1: ten million references to a million pages, rank i with weight floor(2^40 / (i + 1)), integers only. Ids are
 * dense, in order of first appearance, as a .vmt file gives them, and in memory.
 *
 * plain      a FIFO of two arrays, page to slot and slot to page: the yardstick. A share is its time / the time of a row
 * decoding   the trace read from a .vmt file in the page cache, into ids, without a policy
 * full model vmm_access_many: a two-level TLB, a four-level page table, clock, every counter
 * inlined    core/replay with the policy compiled into the loop
 * table      the same loop, the policy called through its table
 *
 * Times are CPU time of one thread, from the first reference to the last, without making or freeing anything. Rounds are
 * interleaved; medians are shown. A row that takes longer than SLOW_S is measured once. Environment: BENCH_ROUNDS (7); BENCH_CHECK=1:
 * exit status 1 when a goal is missed. Results also go to bench/results/sim.json.
 */
#include "core/replay/opt.h"
#include "core/replay/replay.h"
#include "core/replay/stack_distance.h"
#include "core/replay/sweep.h"
#include "core/trace/trace.h"
#include "core/vmm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REFERENCES 10000000u
#define PAGES 1000000u
#define FRAMES 76345u
#define ROUNDS_MAX 99
#define ROWS_MAX 128
#define SLOW_S 2.0
#define GUIDE_BITS 20
#define BLOCK (1u << 16)
#define VMT "bench/results/sim.vmt" /* removed at the end */

enum kind { PLAIN, INLINED, TABLE, STACK, OPT, DECODE, MODEL };

struct row {
	enum kind kind;
	const char *policy, *name;
	double goal; /* least share; 0: none */
	double s[ROUNDS_MAX];
	int n;
	uint64_t misses;
};

/* Shares that the project wants. */
static const struct {
	const char *policy;
	double share;
} goals[] = {
	{ "fifo", 0.83 }, { "clock", 0.58 },   { "sieve", 0.54 }, { "lru", 0.33 },
	{ "arc", 0.23 },  { "s3-fifo", 0.21 }, { "2q", 0.20 },    { "lfu", 0.19 },
	{ "opt", 0.19 },  { "lirs", 0.10 },    { ".vmt", 1.0 },   { "clock, all", 0.10 },
};

static uint32_t *refs, *distances, pages, frames = FRAMES;
static struct opt_table future;
static struct row rows[ROWS_MAX];
static int n_rows;

static void *need(void *p)
{
	if (p)
		return p;
	fputs("sim: out of memory\n", stderr);
	exit(1);
}

static double clock_s(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The rank of a draw is found from a table by its upper bits, then step by step. */
static void zipf1_make(void)
{
	uint64_t *sum = need(malloc(PAGES * sizeof(*sum))), total = 0;
	uint32_t *guide = need(malloc(((1u << GUIDE_BITS) + 1) * sizeof(*guide)));
	uint32_t *id = need(malloc(PAGES * sizeof(*id))), k = 0;
	struct rng g = { 42 };
	int shift = 0;

	for (uint32_t i = 0; i < PAGES; i++)
		sum[i] = total += (1ull << 40) / (i + 1);
	while (total >> shift >> GUIDE_BITS)
		shift++;
	for (uint64_t b = 0; b <= total >> shift; b++) {
		while (k < PAGES - 1 && sum[k] <= b << shift)
			k++;
		guide[b] = k;
	}
	memset(id, 0xFF, PAGES * sizeof(*id));
	refs = need(malloc(REFERENCES * sizeof(*refs)));
	for (uint32_t i = 0; i < REFERENCES; i++) {
		uint64_t draw = rng_below(&g, total);
		uint32_t page;

		for (k = guide[draw >> shift]; sum[k] <= draw; k++)
			;
		page = (uint32_t)((uint64_t)k * 7919 % PAGES);
		if (id[page] == UINT32_MAX)
			id[page] = pages++;
		refs[i] = id[page];
	}
	free(sum);
	free(guide);
	free(id);
}

/* --- the yardstick ----------------------------------------------------------------------------------------------- */

__attribute__((noinline)) static uint64_t
plain_fifo(const uint32_t *ids, uint32_t n, uint32_t *slot, uint32_t *page, uint32_t capacity)
{
	uint32_t hand = 0, used = 0;
	uint64_t misses = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = ids[i];

		if (slot[id])
			continue;
		misses++;
		if (used == capacity)
			slot[page[hand]] = 0;
		else
			used++;
		page[hand] = id;
		slot[id] = hand + 1;
		if (++hand == capacity)
			hand = 0;
	}
	return misses;
}

static double plain_run(struct row *r)
{
	uint32_t *slot = need(calloc(pages, sizeof(*slot)));
	uint32_t *page = need(calloc(frames, sizeof(*page)));
	double start = clock_s(CLOCK_THREAD_CPUTIME_ID), s;

	r->misses = plain_fifo(refs, REFERENCES, slot, page, frames);
	s = clock_s(CLOCK_THREAD_CPUTIME_ID) - start;
	free(slot);
	free(page);
	return s;
}

/* --- what is measured -------------------------------------------------------------------------------------------- */

static double replay_run(struct row *r)
{
	struct replay_config c = {
		.policy = r->policy, .frames = frames, .seed = 1, .table = r->kind == TABLE
	};
	struct replay *replay = need(replay_create(&c));
	double start, s;
	int err = replay_reserve(replay, pages);

	start = clock_s(CLOCK_THREAD_CPUTIME_ID);
	err = err ? err : replay_feed(replay, refs, REFERENCES);
	s = clock_s(CLOCK_THREAD_CPUTIME_ID) - start;
	r->misses = err ? 0 : replay_stats(replay)->faults;
	replay_destroy(replay);
	return s;
}

static double stack_run(struct row *r)
{
	struct stack_distance d;
	double start = clock_s(CLOCK_THREAD_CPUTIME_ID), s;

	if (stack_distance_init(&d) || stack_distance_feed(&d, refs, REFERENCES, pages, distances))
		need(NULL);
	s = clock_s(CLOCK_THREAD_CPUTIME_ID) - start;
	r->misses = 0;
	for (uint32_t i = 0; i < REFERENCES; i++)
		r->misses += distances[i] > frames;
	stack_distance_destroy(&d);
	return s;
}

static double opt_run(struct row *r)
{
	double start = clock_s(CLOCK_THREAD_CPUTIME_ID);

	if (opt_misses(&future, frames, 0, &r->misses))
		need(NULL);
	return clock_s(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* The trace as a file. */
static void vmt_make(void)
{
	struct trace_record *records = need(malloc(BLOCK * sizeof(*records)));
	struct trace_writer *w;
	int err = trace_create(&w, VMT, NULL);

	for (uint32_t i = 0; i < REFERENCES && !err; i += BLOCK) {
		uint32_t n = REFERENCES - i < BLOCK ? REFERENCES - i : BLOCK;

		for (uint32_t k = 0; k < n; k++)
			records[k] = (struct trace_record){ .kind = TRACE_READ,
							    .pid = 1,
							    .vpn = refs[i + k] };
		err = trace_write(w, records, n);
	}
	if (err || trace_finish(w)) {
		fputs("sim: " VMT " cannot be written\n", stderr);
		exit(1);
	}
	free(records);
}

static double decode_run(struct row *r)
{
	uint32_t *ids = need(malloc(BLOCK * sizeof(*ids)));
	struct trace_reader *reader;
	struct trace_event event;
	double start = clock_s(CLOCK_THREAD_CPUTIME_ID), s;
	uint64_t sum = 0;
	size_t n = 0;

	if (trace_open(&reader, VMT, NULL, NULL))
		need(NULL);
	while (trace_read_refs(reader, ids, BLOCK, &n, &event) >= 0 && n)
		sum += n;
	s = clock_s(CLOCK_THREAD_CPUTIME_ID) - start;
	trace_close(reader);
	free(ids);
	r->misses = sum == REFERENCES ? 0 : REFERENCES - sum; /* nothing may be missing */
	return s;
}

static double model_run(struct row *r)
{
	const struct vmm_mmu mmu = { .page_table = "four", .tlb = "l1=64x4,l2=1536x12" };
	struct vmm_config c = { .frames = frames, .policy = "clock", .mmu = &mmu };
	struct vmm *v = need(vmm_create(&c));
	struct vmm_reference *block = need(malloc(BLOCK * sizeof(*block)));
	double start = clock_s(CLOCK_THREAD_CPUTIME_ID), s;
	size_t done;

	for (uint32_t i = 0; i < REFERENCES; i += BLOCK) {
		uint32_t n = REFERENCES - i < BLOCK ? REFERENCES - i : BLOCK;

		for (uint32_t k = 0; k < n; k++)
			block[k] = (struct vmm_reference){ (uint64_t)refs[i + k] << 12, 1, 0 };
		if (vmm_access_many(v, block, n, &done))
			need(NULL);
	}
	s = clock_s(CLOCK_THREAD_CPUTIME_ID) - start;
	r->misses = vmm_stats(v)->faults;
	free(block);
	vmm_destroy(v);
	return s;
}

static void measure(struct row *r)
{
	static double (*const run[])(struct row *) = { plain_run, replay_run, replay_run, stack_run,
						       opt_run,   decode_run, model_run };

	if (r->n && r->s[0] > SLOW_S)
		return;
	r->s[r->n++] = run[r->kind](r);
}

/* --- the report -------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const struct row *r)
{
	double s[ROUNDS_MAX];

	memcpy(s, r->s, (size_t)r->n * sizeof(*s));
	qsort(s, (size_t)r->n, sizeof(*s), by_value);
	return r->n % 2 ? s[r->n / 2] : (s[r->n / 2 - 1] + s[r->n / 2]) / 2;
}

static void row_add(enum kind kind, const char *policy, const char *name)
{
	struct row *r = &rows[n_rows];

	if (n_rows == ROWS_MAX)
		return;
	n_rows++;
	*r = (struct row){ .kind = kind, .policy = policy, .name = name };
	for (size_t i = 0; i < sizeof(goals) / sizeof(goals[0]); i++)
		if (kind != TABLE && !strcmp(policy, goals[i].policy))
			r->goal = goals[i].share;
}

/* Those named, and what every share needs. */
static void rows_choose(char **policies)
{
	row_add(PLAIN, "plain", "plain");
	for (; *policies; policies++)
		if (!strcmp(*policies, ".vmt"))
			row_add(DECODE, ".vmt", "decoding");
		else if (!strcmp(*policies, "model"))
			row_add(MODEL, "clock, all", "full model");
		else if (!strcmp(*policies, "opt"))
			row_add(OPT, "opt", "next uses");
		else
			row_add(INLINED, *policies, "inlined");
}

/* Every policy that goes forward, inlined and through its table. */
static void rows_make(void)
{
	row_add(PLAIN, "plain", "plain");
	for (const struct policy_ops *const *p = policy_all(); *p; p++) {
		if ((*p)->flags & POLICY_HIDDEN || !replay_can(*p))
			continue;
		row_add(INLINED, (*p)->name, "inlined");
		row_add(TABLE, (*p)->name, "table");
	}
	row_add(INLINED, "clock:ref-at-load=0", "inlined");
	row_add(OPT, "opt", "next uses");
	row_add(STACK, "lru, all sizes", "distances");
	row_add(DECODE, ".vmt", "decoding");
	row_add(MODEL, "clock, all", "full model");
}

/* 0, or 1 when a goal was missed. */
static int report(FILE *json)
{
	double base = median(&rows[0]);
	int missed = 0;

	printf("zipf1, %u references to %u pages, %u frames; medians of %d rounds\n\n", REFERENCES,
	       pages, frames, rows[0].n);
	printf("%-20s %-10s %8s %7s %6s %10s\n", "", "", "M refs/s", "share", "goal", "misses");
	fprintf(json, "{\"bench\":\"sim\",\"references\":%u,\"pages\":%u,\"frames\":%u,\"rows\":[",
		REFERENCES, pages, frames);
	for (int i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];
		double s = median(r), share = base / s;

		printf("%-20s %-10s %8.1f %7.2f ", r->policy, r->name, REFERENCES / s / 1e6, share);
		if (r->goal > 0)
			printf("%6.2f ", r->goal);
		else
			printf("%6s ", "");
		printf("%10llu%s%s\n", (unsigned long long)r->misses,
		       share < r->goal ? "  below its goal" : "", r->n == 1 ? "  once" : "");
		missed |= share < r->goal;
		fprintf(json,
			"%s\n {\"policy\":\"%s\",\"how\":\"%s\",\"mrefs_s\":%.1f,\"share\":%.3f,",
			i ? "," : "", r->policy, r->name, REFERENCES / s / 1e6, share);
		if (r->goal > 0)
			fprintf(json, "\"goal\":%.2f,", r->goal);
		fprintf(json, "\"misses\":%llu,\"s_rounds\":[", (unsigned long long)r->misses);
		for (int k = 0; k < r->n; k++)
			fprintf(json, "%s%.4f", k ? "," : "", r->s[k]);
		fputs("]}", json);
	}
	return missed;
}

/* Wall time of twelve replays in one sweep. */
static double sweep_s(uint32_t jobs)
{
	static const char *const policies[] = { "fifo", "lru", "clock", "sieve" };
	struct sweep_cell cells[12];
	struct replay_array a;
	struct sweep s = { .source = &a.source, .cells = cells, .n_cells = 12, .jobs = jobs };
	uint32_t bad;
	double start;

	replay_array_init(&a, refs, REFERENCES);
	for (uint32_t i = 0; i < 12; i++)
		cells[i].config = (struct replay_config){ .policy = policies[i % 4],
							  .frames = frames >> i / 4 };
	start = clock_s(CLOCK_MONOTONIC);
	if (sweep_run(&s, &bad))
		need(NULL);
	return clock_s(CLOCK_MONOTONIC) - start;
}

int main(int argc, char **argv)
{
	const char *text = getenv("BENCH_ROUNDS");
	int rounds = text ? atoi(text) : 7, missed;
	struct replay_array a;
	double one, many;
	FILE *json;

	if (argc > 1)
		frames = (uint32_t)strtoul(argv[1], NULL, 10);
	if (!frames || rounds < 1 || rounds > ROUNDS_MAX) {
		fputs("usage: sim [FRAMES [POLICY...]]; BENCH_ROUNDS: 1 to 99\n", stderr);
		return 2;
	}
	zipf1_make();
	vmt_make();
	distances = need(malloc(REFERENCES * sizeof(*distances)));
	replay_array_init(&a, refs, REFERENCES);
	if (opt_table_make(&future, &a.source, 0, UINT64_MAX))
		need(NULL);
	if (argc > 2)
		rows_choose(argv + 2);
	else
		rows_make();
	for (int k = 0; k < rounds; k++)
		for (int i = 0; i < n_rows; i++)
			measure(&rows[i]);
	unlink(VMT);
	json = fopen("bench/results/sim.json", "we");
	if (!json) {
		perror("bench/results/sim.json");
		return 1;
	}
	missed = report(json);
	one = sweep_s(1);
	many = sweep_s(sweep_jobs_default());
	printf("\n12 replays in one pass: %.2f s on one thread, %.2f s on %u (%.2f times as fast)\n",
	       one, many, sweep_jobs_default(), one / many);
	fprintf(json, "\n],\"sweep\":{\"cells\":12,\"one_s\":%.3f,\"jobs\":%u,\"jobs_s\":%.3f}}\n",
		one, sweep_jobs_default(), many);
	if (fclose(json)) {
		perror("bench/results/sim.json");
		return 1;
	}
	return missed && getenv("BENCH_CHECK") ? 1 : 0;
}
