/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - one line on stderr that says how far long work is: percent, rate, time left. Nothing when it is no terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* as in "trace.vmt" */
	const char *unit; /* of `count`, plural: "references" */
	uint64_t start_ns, next_ns;
	bool on, shown;
};

void progress_start(struct progress *p, const char *what, const char *unit);
/* done of total (0: unknown) decides the percentage, count the rate. Cheap: prints four times a second at most. */
void progress_update(struct progress *p, uint64_t done, uint64_t total, uint64_t count);
void progress_end(struct progress *p); /* removes the line */

#endif
