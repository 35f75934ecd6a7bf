/* SPDX-License-Identifier: Apache-2.0 */
/* trace_info.h - `vmm trace info`: one trace in a dozen lines. */
#ifndef CLI_TRACE_INFO_H
#define CLI_TRACE_INFO_H

#include "core/trace/trace.h"

/* Reads all of the trace and prints; complains and returns -errno when it cannot. */
int trace_info(const char *path, const struct trace_read_options *options);

#endif
