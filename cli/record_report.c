/* SPDX-License-Identifier: Apache-2.0 */
/* record_report.c - see record_report.h. */
#include "cli/record_report.h"
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void text_size(const struct run_record *rec)
{
	char size[SIZE_TEXT_BYTES];

	fprintf(stderr, "%" PRIu64 " references, %" PRIu64 " events", rec->refs, rec->events);
	if (rec->bytes)
		fprintf(stderr, ", %s", size_text(size, rec->bytes));
	if (rec->bytes && rec->refs)
		fprintf(stderr, ", %.1f bytes a reference", (double)rec->bytes / (double)rec->refs);
	fputc('\n', stderr);
}

/* What may be asked of it. */
static void text_answers(const struct run_record *rec)
{
	if (!rec->complete && !rec->error)
		return; /* nobody can say yet */
	if (!rec->window)
		fprintf(stderr,
			"  it holds    faults only: what other policies or memories would do needs --window\n");
	else if (rec->inside_max > rec->window)
		fprintf(stderr,
			"  it holds    a window of %u pages, but %" PRIu64
			" were mapped at once, which its header could not be told: no brackets\n",
			rec->window, rec->inside_max);
	else
		fprintf(stderr,
			"  it holds    a window of %u pages: lru in %u frames or more is bracketed, other policies approximate\n",
			rec->window, 2 * rec->window);
}

/* Serving faults is nearly all of the cost; with several threads they wait at the same time. */
static void text_cost(const struct run_result *res)
{
	double faults_s = (double)res->latency_sum_ns / 1e9;

	fprintf(stderr,
		"  recording   %.2f s of faults in %.2f s, %.2f s waiting for the file; `vmm compare -- PROGRAM` runs it alone too\n",
		faults_s, res->elapsed_s, (double)res->record.waited_ns / 1e9);
}

void record_report_text(const struct report *r)
{
	const struct run_record *rec = &r->result->record;

	fprintf(stderr, "  trace       %s: ", r->config->record);
	text_size(rec);
	text_answers(rec);
	text_cost(r->result);
	if (!rec->complete && !rec->error)
		fprintf(stderr,
			"  note        the recording goes on with the processes that still run\n");
	if (rec->unnamed)
		fprintf(stderr,
			"  note        %" PRIu64
			" faults of processes that ended at once are not in it\n",
			rec->unnamed);
}

json_t *record_report_json(const struct report *r)
{
	const struct run_record *rec = &r->result->record;
	json_t *file = report_text_json(r->config->record), *o;

	o = json_pack("{s:o, s:I, s:I, s:b, s:f, s:f}", "file", file, "references",
		      (json_int_t)rec->refs, "events", (json_int_t)rec->events, "complete",
		      rec->complete, "waited_s", (double)rec->waited_ns / 1e9, "faults_s",
		      (double)r->result->latency_sum_ns / 1e9);
	if (o && rec->bytes &&
	    json_object_set_new(o, "bytes", json_integer((json_int_t)rec->bytes)))
		return NULL;
	if (o && rec->window && json_object_set_new(o, "window", json_integer(rec->window)))
		return NULL;
	if (o && rec->error && json_object_set_new(o, "error", json_string(strerror(-rec->error))))
		return NULL;
	return o;
}
