/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_wss.c - `vmm wss`: working-set sizes of a trace, and the smallest memory for a miss ratio. */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sim_report.h"
#include "core/replay/denning.h"
#include "core/replay/stack_distance.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 65536u
#define TARGETS_MAX 16

struct target {
	double ratio;    /* 0.01: 1% */
	uint32_t frames; /* the fewest with which LRU misses no more; 0: not with any */
	double reached;  /* its miss ratio with so many */
};

struct wss {
	struct sim_options options;
	const char *targets_text;
	struct target targets[TARGETS_MAX];
	uint32_t n_targets;

	struct denning denning;
	struct stack_distance stack;
	uint64_t *by_distance; /* references; from 1 */
	uint32_t distances;    /* entries */
	uint64_t references, cold;
	uint32_t pages;
	uint32_t taus; /* windows 1 << 0 ... 1 << (taus - 1) are shown */
	char **argv;
	char sha256[65];
};

#define AT(field) .offset = offsetof(struct wss, options.field)

static const struct option_spec wss_option_table[] = {
	{ 't', "trace", OPTION_STRING, "TRACE", "trace of any format; - is stdin", AT(trace) },
	{ 0, "miss-ratio", OPTION_STRING, "P%[,P%...]",
	  "the smallest memory in which LRU misses no more (10%,1%,0.1%)",
	  .offset = offsetof(struct wss, targets_text) },
	{ 'p', "page-size", OPTION_STRING, "SIZE", "page size (4K)", AT(page_sizes_text) },
	{ 'n', "max-accesses", OPTION_COUNT, "N", "only the first N references", AT(accesses_max) },
	{ 0, "force", OPTION_FLAG, NULL, "take a trace that does not hold every reference",
	  AT(force) },
	{ 0, "json", OPTION_STRING, "FILE", "write the report as JSON; - is stdout", AT(json) },
	{ 0, "csv", OPTION_STRING, "FILE", "write a row a tau as CSV; - is stdout", AT(csv) },
	{ 'q', "quiet", OPTION_FLAG, NULL, "no text report and no progress", AT(quiet) },
	{ .name = NULL },
};

static int targets_parse(struct wss *w)
{
	const char *p = w->targets_text ? w->targets_text : "10%,1%,0.1%";

	for (;;) {
		char *end;
		double percent = strtod(p, &end);

		if (!isdigit((unsigned char)*p) || *end != '%' || (end[1] && end[1] != ',') ||
		    percent > 100 || w->n_targets == TARGETS_MAX) {
			complain("--miss-ratio", "Write --miss-ratio 1% or --miss-ratio 5%,0.5%.",
				 "'%s' is no list of at most %d percentages", p, TARGETS_MAX);
			return -EINVAL;
		}
		w->targets[w->n_targets++].ratio = percent / 100;
		if (!end[1])
			return 0;
		p = end + 2;
	}
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int distances_note(struct wss *w, const uint32_t *refs, size_t n, uint32_t bound,
			  uint32_t *distance)
{
	size_t want = w->distances ? w->distances : 1024;
	uint64_t *p = w->by_distance;
	int err = stack_distance_feed(&w->stack, refs, n, bound, distance);

	while (want <= bound)
		want *= 2;
	if (!err && want > w->distances) {
		p = realloc(p, want * sizeof(*p));
		if (!p)
			return -ENOMEM;
		memset(p + w->distances, 0, (want - w->distances) * sizeof(*p));
		w->by_distance = p;
		w->distances = (uint32_t)want;
	}
	for (size_t i = 0; i < n && !err; i++) {
		if (distance[i] == STACK_DISTANCE_COLD)
			w->cold++;
		else
			p[distance[i]]++;
	}
	return err;
}

static int stretch_feed(struct wss *w, const uint32_t *refs, size_t n, uint32_t bound,
			uint32_t *distance)
{
	int err = denning_feed(&w->denning, refs, n, bound);

	return err ? err : distances_note(w, refs, n, bound, distance);
}

/* A block in stretches between pages that go; one that comes back has another id, and is cold again. */
static int block_feed(struct wss *w, const struct replay_events *e, const uint32_t *refs, size_t n,
		      uint32_t bound, uint32_t *distance)
{
	size_t at = 0;
	int err = 0;

	for (uint32_t k = 0; k < e->n && !err; k++) {
		const struct replay_gone *g = &e->list[k];

		err = stretch_feed(w, refs + at, g->at - at, bound, distance);
		at = g->at;
		for (uint32_t i = 0; i < g->count && !err; i++) {
			denning_forget(&w->denning, e->ids[g->first + i]);
			err = stack_distance_gone(&w->stack, e->ids[g->first + i]);
		}
	}
	return err ? err : stretch_feed(w, refs + at, n - at, bound, distance);
}

static int trace_feed(struct wss *w, struct trace_source *t)
{
	uint32_t *refs = malloc(BLOCK * sizeof(*refs)), *distance = malloc(BLOCK * sizeof(*refs));
	uint64_t max = w->options.accesses_max ? w->options.accesses_max : UINT64_MAX;
	struct replay_events events = { .n = 0 };
	struct progress p;
	size_t n = 1;
	int err = refs && distance ? stack_distance_init(&w->stack) : -ENOMEM;

	t->source.events = &events;
	t->source.fresh = true;
	progress_begin(&p, "working sets", w->options.quiet);
	while (!err && n && w->references < max) {
		uint64_t left = max - w->references;

		err = t->source.read(&t->source, refs, left < BLOCK ? (size_t)left : BLOCK, &n);
		if (!err)
			err = block_feed(w, &events, refs, n, t->source.pages, distance);
		w->references += n;
		progress_update(&p, w->references, t->source.done);
	}
	progress_end(&p);
	denning_end(&w->denning);
	w->pages = t->source.distinct;
	t->source.events = NULL;
	replay_events_destroy(&events);
	free(refs);
	free(distance);
	return err;
}

static void targets_find(struct wss *w)
{
	for (uint32_t i = 0; i < w->n_targets; i++) {
		uint64_t misses = w->references;
		struct target *t = &w->targets[i];

		for (uint32_t d = 1; d < w->distances && !t->frames; d++) {
			misses -= w->by_distance[d];
			t->reached = (double)misses / (double)w->references;
			if (t->reached <= t->ratio)
				t->frames = d;
		}
	}
	while (w->taus < DENNING_TAUS && (!w->taus || 1ull << (w->taus - 1) < w->references))
		w->taus++;
}

/* --- reports ----------------------------------------------------------------------------------------------------- */

static double miss_ratio(const struct wss *w, uint32_t k)
{
	return (double)denning_misses(&w->denning, k) / (double)w->references;
}

static void text(const struct wss *w)
{
	uint64_t page = w->options.page_size;
	char size[SIZE_TEXT_BYTES];

	printf("%s: %" PRIu64 " references to %u pages (%s)\n\n", w->options.trace, w->references,
	       w->pages, size_text(size, w->pages * page));
	printf("  %20s %14s %12s %10s\n", "tau (references)", "mean pages", "memory", "misses");
	for (uint32_t k = 0; k < w->taus; k++) {
		double mean = denning_mean_pages(&w->denning, k);

		printf("  %20llu %14.1f %12s %9.4f%%\n", 1ull << k, mean,
		       size_text(size, (uint64_t)(mean * (double)page)), 100 * miss_ratio(w, k));
	}
	putchar('\n');
	for (uint32_t i = 0; i < w->n_targets; i++) {
		const struct target *t = &w->targets[i];

		printf("  at most %g%% misses with LRU: ", 100 * t->ratio);
		if (t->frames)
			printf("%u frames (%s), %.4f%%\n", t->frames,
			       size_text(size, t->frames * page), 100 * t->reached);
		else
			printf("not with any memory: %.4f%% are first touches\n",
			       100 * (double)w->cold / (double)w->references);
	}
}

static int csv_write(FILE *file, const void *arg)
{
	const struct wss *w = arg;

	fputs("tau,mean_pages,mean_bytes,misses,miss_ratio\n", file);
	for (uint32_t k = 0; k < w->taus; k++) {
		double mean = denning_mean_pages(&w->denning, k);

		fprintf(file, "%llu,%.6f,%.0f,%" PRIu64 ",%.9f\n", 1ull << k, mean,
			mean * (double)w->options.page_size, denning_misses(&w->denning, k),
			miss_ratio(w, k));
	}
	return 0;
}

static int json(const struct wss *w, const char *path)
{
	struct sim_result result = { .n_cells = 0 };
	json_t *taus = json_array(), *targets = json_array();

	memcpy(result.sha256, w->sha256, sizeof(result.sha256));
	for (uint32_t k = 0; k < w->taus; k++)
		json_array_append_new(taus,
				      json_pack("{s:I, s:f, s:f}", "tau", (json_int_t)(1ull << k),
						"mean_pages", denning_mean_pages(&w->denning, k),
						"miss_ratio", miss_ratio(w, k)));
	for (uint32_t i = 0; i < w->n_targets; i++) {
		json_t *t = json_pack("{s:f}", "target", w->targets[i].ratio);

		if (w->targets[i].frames) {
			json_object_set_new(t, "frames", json_integer(w->targets[i].frames));
			json_object_set_new(t, "miss_ratio", json_real(w->targets[i].reached));
		}
		json_array_append_new(targets, t);
	}
	return sim_json_write(json_pack("{s:i, s:s, s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "schema",
					REPORT_SCHEMA, "mode", "wss", "provenance",
					sim_provenance(&w->options, &result, w->argv), "page_size",
					(json_int_t)w->options.page_size, "references",
					(json_int_t)w->references, "faults_cold",
					(json_int_t)w->cold, "trace_pages", (json_int_t)w->pages,
					"working_sets", taus, "memory", targets),
			      path);
}

static int reports(const struct wss *w)
{
	const struct sim_options *o = &w->options;
	int err = o->csv ? output_written(o->csv, "report", output_write(o->csv, csv_write, w)) : 0;

	if (o->json && output_written(o->json, "report", json(w, o->json)))
		err = -EIO;
	if (!o->quiet && !(o->csv && !strcmp(o->csv, "-")) && !(o->json && !strcmp(o->json, "-")))
		text(w);
	return fflush(stdout) ? output_written("stdout", "report", -errno) : err;
}

static int wss(struct wss *w)
{
	struct trace_source trace;
	int err = sim_open(&trace, &w->options, TRACE_FULL);

	if (err)
		return err;
	err = trace_feed(w, &trace);
	if (err)
		sim_complain(&w->options, &trace.source, err);
	if (!err && !w->references) {
		complain(w->options.trace, "A line of a text trace is `<pid> <R|W> <address>`.",
			 "there is no reference in it");
		err = -EINVAL;
	}
	if (!err)
		targets_find(w);
	if (!err && w->options.json)
		trace_sha256(w->options.trace, w->sha256);
	if (!err)
		err = reports(w);
	if (!err)
		sim_notes(&w->options, &trace, w->references);
	trace_source_close(&trace);
	return err;
}

static int wss_main(const struct command *self, int argc, char **argv)
{
	struct wss w = { .argv = argv };
	int first, status;

	sim_options_init(&w.options);
	w.options.policies_text = "lru";
	status = options_parse(self, &w, argc, argv, &first);
	if (status)
		return status == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (first < argc) {
		complain(argv[first], "`vmm help wss` lists the options.", "unexpected word");
		return STATUS_USAGE;
	}
	status = STATUS_USAGE;
	if (!sim_options_check(&w.options, "wss", false) && !targets_parse(&w))
		status = wss(&w) ? STATUS_FAILED : STATUS_OK;
	stack_distance_destroy(&w.stack);
	denning_destroy(&w.denning);
	free(w.by_distance);
	sim_options_destroy(&w.options);
	return status;
}

const struct command command_wss = {
	.name = "wss",
	.arguments = "",
	.summary = "Working-set sizes of a trace, and the memory that it needs",
	.details = "The working set at tau is the pages of the last tau references.\n",
	.options = wss_option_table,
	.main = wss_main,
};
