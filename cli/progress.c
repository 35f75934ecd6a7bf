/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - see progress.h. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000ull
#define FIRST_NS (SECOND_NS / 2) /* short work shows nothing */
#define EVERY_NS (SECOND_NS / 4)

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

void progress_start(struct progress *p, const char *what, const char *unit)
{
	*p = (struct progress){ .what = what, .unit = unit, .on = isatty(STDERR_FILENO) == 1 };
	if (!p->on)
		return;
	p->start_ns = now_ns();
	p->next_ns = p->start_ns + FIRST_NS;
}

void progress_update(struct progress *p, uint64_t done, uint64_t total, uint64_t count)
{
	uint64_t now;
	double seconds;

	if (!p->on)
		return;
	now = now_ns();
	if (now < p->next_ns)
		return;
	p->next_ns = now + EVERY_NS;
	seconds = (double)(now - p->start_ns) / (double)SECOND_NS;
	fprintf(stderr, "\r%s: ", p->what);
	if (total)
		fprintf(stderr, "%.0f%%, ", 100.0 * (double)done / (double)total);
	fprintf(stderr, "%.1f million %s, %.1f million/s", (double)count / 1e6, p->unit,
		(double)count / 1e6 / seconds);
	if (total && done)
		fprintf(stderr, ", %.0f s left",
			seconds * (double)(total > done ? total - done : 0) / (double)done);
	fputs("\033[K", stderr);
	fflush(stderr);
	p->shown = true;
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
