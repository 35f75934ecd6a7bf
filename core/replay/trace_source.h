/* SPDX-License-Identifier: Apache-2.0 */
/* trace_source.h - a trace of any format (core/trace) as a source of references. */
#ifndef VMM_REPLAY_TRACE_SOURCE_H
#define VMM_REPLAY_TRACE_SOURCE_H

#include "core/replay/source.h"
#include "core/trace/trace.h"

struct trace_source {
	struct replay_source source;
	struct trace_reader *reader;
	struct trace_read_options options;
	const char *path;
	uint64_t events; /* seen in this pass, and not replayed */
};

/* "-" is stdin, which can be read once only. `path` must stay. 0 or -errno, as trace_open. */
int trace_source_open(struct trace_source *t, const char *path, uint32_t page_shift,
		      struct trace_problem *problem);
void trace_source_close(struct trace_source *t);

#endif
