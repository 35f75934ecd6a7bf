/* SPDX-License-Identifier: Apache-2.0 */
/* trace_text.h - messages about traces, in words. */
#ifndef CLI_TRACE_TEXT_H
#define CLI_TRACE_TEXT_H

#include "core/trace/trace.h"

/* Why trace_open or a read of `path` failed. */
void trace_complain(const char *path, int err, const struct trace_problem *problem);
/* When the trace at `path` was cut: says so, and what was read. True when it was. */
bool trace_complain_cut(const char *path, const struct trace_reader *r, uint64_t refs);
/* Why writing `path` failed. */
void trace_complain_write(const char *path, int err, const char *problem);

/* The format of this name that can be read (or written); complains when there is none. */
bool trace_format_check(const char *option, const char *name, bool to_write);

#endif
