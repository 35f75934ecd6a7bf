/* SPDX-License-Identifier: Apache-2.0 */
/* trace_info.c - see trace_info.h. */
#include "cli/trace_info.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/trace_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16384u
#define PROCESSES_SHOWN 10

static const char *const kind_names[TRACE_KINDS] = {
	"reads",          "writes", "maps",  "unmaps",
	"discards",       "forks",  "exits", "leaves of the window",
	"thread changes", "times",  "marks",
};

struct info {
	uint64_t kinds[TRACE_KINDS];
	uint64_t *refs; /* by space */
	uint32_t capacity;
};

static int info_room(struct info *in, uint32_t spaces)
{
	uint32_t capacity = in->capacity ? in->capacity : 16;
	uint64_t *refs;

	if (spaces <= in->capacity)
		return 0;
	while (capacity < spaces)
		capacity *= 2;
	refs = realloc(in->refs, capacity * sizeof(*refs));
	if (!refs)
		return -ENOMEM;
	memset(refs + in->capacity, 0, (capacity - in->capacity) * sizeof(*refs));
	in->refs = refs;
	in->capacity = capacity;
	return 0;
}

static int info_count(struct info *in, const struct trace_reader *r, const uint32_t *refs, size_t n)
{
	const uint32_t *spaces = trace_page_spaces(r);
	uint64_t writes = 0;
	int err = info_room(in, trace_space_count(r));

	for (size_t i = 0; i < n && !err; i++) {
		writes += refs[i] & 1;
		in->refs[spaces[refs[i] >> 1]]++;
	}
	in->kinds[TRACE_WRITE] += writes;
	in->kinds[TRACE_READ] += n - writes;
	return err;
}

static int info_read(struct info *in, struct trace_reader *r, const char *path)
{
	static uint32_t refs[BATCH];
	struct progress progress;
	struct trace_event event;
	uint64_t done, total, count = 0;
	int result, err;
	size_t n;

	progress_begin(&progress, path, false);
	do {
		result = trace_read_refs(r, refs, BATCH, &n, &event);
		err = info_count(in, r, refs, n);
		if (result > 0)
			in->kinds[event.record.kind]++;
		count += n;
		trace_progress(r, &done, &total);
		progress_update(&progress, count, total ? (double)done / (double)total : -1);
	} while (!err && (result > 0 || (!result && n)));
	progress_end(&progress);
	return err ? err : result;
}

static void print_fidelity(const struct trace_header *h)
{
	if (h->fidelity == TRACE_WINDOW)
		printf("  holds       references outside of a window of %" PRIu32 " pages\n",
		       h->window);
	else
		printf("  holds       %s\n",
		       h->fidelity == TRACE_FAULTS ? "faults only" : "every reference");
}

static void print_processes(const struct info *in, const struct trace_reader *r)
{
	uint32_t n = trace_space_count(r), shown = n < PROCESSES_SHOWN ? n : PROCESSES_SHOWN;
	const uint32_t *spaces = trace_page_spaces(r);
	uint32_t *pages = calloc(n + 1, sizeof(*pages));

	if (!pages)
		return;
	for (uint32_t i = 0; i < trace_page_count(r); i++)
		pages[spaces[i]]++;
	printf("\n  %10s %15s %12s\n", "pid", "references", "pages");
	for (uint32_t i = 0; i < shown; i++)
		printf("  %10" PRIu32 " %15" PRIu64 " %12" PRIu32 "\n", trace_space_pids(r)[i],
		       i < in->capacity ? in->refs[i] : 0, pages[i]);
	if (shown < n)
		printf("  and %" PRIu32 " more\n", n - shown);
	free(pages);
}

static void info_print(const struct info *in, const struct trace_reader *r, const char *path)
{
	const struct trace_header *h = trace_header(r);
	uint64_t refs = in->kinds[TRACE_READ] + in->kinds[TRACE_WRITE], done, bytes;
	char size[SIZE_TEXT_BYTES];

	trace_progress(r, &done, &bytes);
	printf("%s\n  format      %s\n  page size   %s\n", path, trace_format_name(r),
	       size_text(size, 1ull << h->page_shift));
	print_fidelity(h);
	printf("  references  %" PRIu64 " (%" PRIu64 " reads, %" PRIu64 " writes)\n", refs,
	       in->kinds[TRACE_READ], in->kinds[TRACE_WRITE]);
	printf("  pages       %" PRIu32 ", %s\n", trace_page_count(r),
	       size_text(size, (uint64_t)trace_page_count(r) << h->page_shift));
	printf("  processes   %" PRIu32 "\n", trace_space_count(r));
	for (int k = TRACE_MAP; k < TRACE_KINDS; k++)
		if (in->kinds[k])
			printf("  events      %" PRIu64 " %s\n", in->kinds[k], kind_names[k]);
	if (bytes)
		printf("  file        %s, %.2f bytes a reference\n", size_text(size, bytes),
		       refs ? (double)bytes / (double)refs : 0.0);
	if (h->meta) {
		printf("  origin\n");
		for (const char *line = h->meta; *line; line = strchrnul(line, '\n') + 1) {
			printf("    %.*s\n", (int)(strchrnul(line, '\n') - line), line);
			if (!*strchrnul(line, '\n'))
				break;
		}
	}
	print_processes(in, r);
}

int trace_info(const char *path, const struct trace_read_options *options)
{
	struct info in = { .capacity = 0 };
	struct trace_problem problem;
	struct trace_reader *r;
	int err = trace_open(&r, path, options, &problem);

	if (err) {
		trace_complain(path, err, &problem);
		return err;
	}
	err = info_read(&in, r, path);
	info_print(&in, r, path);
	fflush(stdout);
	trace_complain_cut(path, r, in.kinds[TRACE_READ] + in.kinds[TRACE_WRITE]);
	if (err)
		trace_complain(path, err, trace_problem(r));
	free(in.refs);
	trace_close(r);
	return err;
}
