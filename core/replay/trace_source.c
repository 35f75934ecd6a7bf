/* SPDX-License-Identifier: Apache-2.0 */
/* trace_source.c - see trace_source.h. A ref of a trace has its write bit at the bottom, one of replay at the top. */
#include "core/replay/trace_source.h"
#include "core/replay/replay.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Those after which pages are others than before. */
#define EVENTS                                                                                     \
	(TRACE_MASK(TRACE_UNMAP) | TRACE_MASK(TRACE_DISCARD) | TRACE_MASK(TRACE_FORK) |            \
	 TRACE_MASK(TRACE_EXIT))

static int source_read(struct replay_source *s, uint32_t *refs, size_t max, size_t *n)
{
	struct trace_source *t = (struct trace_source *)s;
	struct trace_event event;
	uint64_t done, total;
	int rc;

	do {
		rc = trace_read_refs(t->reader, refs, max, n, &event);
		if (rc < 0)
			return rc;
		t->events += (uint64_t)rc;
	} while (rc == 1 && *n == 0); /* none means the end */
	for (size_t i = 0; i < *n; i++)
		refs[i] = refs[i] >> 1 | refs[i] << 31;
	s->pages = trace_page_count(t->reader);
	trace_progress(t->reader, &done, &total);
	s->done = total ? (double)done / (double)total : -1;
	return 0;
}

static int source_rewind(struct replay_source *s)
{
	struct trace_source *t = (struct trace_source *)s;
	struct trace_reader *again;
	struct stat st;
	int err;

	if (!strcmp(t->path, "-"))
		return -ESPIPE;
	if (stat(t->path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESPIPE;
	err = trace_open(&again, t->path, &t->options, NULL);
	if (err)
		return err;
	trace_close(t->reader);
	t->reader = again;
	t->events = 0;
	s->done = 0;
	return 0;
}

int trace_source_open(struct trace_source *t, const char *path, uint32_t page_shift,
		      struct trace_problem *problem)
{
	*t = (struct trace_source){
		.source = { .read = source_read, .rewind = source_rewind },
		.options = { .page_shift = page_shift, .events = EVENTS },
		.path = path,
	};
	return trace_open(&t->reader, path, &t->options, problem);
}

void trace_source_close(struct trace_source *t)
{
	if (t->reader)
		trace_close(t->reader);
	t->reader = NULL;
}
