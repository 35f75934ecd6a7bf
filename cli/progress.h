/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - one line on stderr, when it is a terminal, while work takes long: percent, rate, time left. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;
	double start_s, shown_s;
	bool on, drawn;
};

void progress_begin(struct progress *p, const char *what, bool quiet);

/* `count` things (references) in all, 0: unknown; `done` from 0 to 1, or < 0 when unknown. Draws a few times a second. */
void progress_update(struct progress *p, uint64_t count, double done);

void progress_end(struct progress *p); /* removes the line */

double now_s(void); /* monotonic */

#endif
