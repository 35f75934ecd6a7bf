/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - a line of progress (progress.h). */
#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define EVERY_S 0.2
#define BAR 24

double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void progress_begin(struct progress *p, const char *what, bool quiet)
{
	*p = (struct progress){ .what = what, .start_s = now_s(), .on = !quiet && isatty(2) };
	p->shown_s = p->start_s;
}

void progress_update(struct progress *p, uint64_t count, double done)
{
	static const char full[] = "########################", none[] = "........................";
	double now, elapsed;
	int filled;

	if (!p->on)
		return;
	now = now_s();
	elapsed = now - p->start_s;
	if (now - p->shown_s < EVERY_S)
		return;
	p->shown_s = now;
	p->drawn = true;
	fprintf(stderr, "\r%s ", p->what);
	if (done >= 0) {
		filled = (int)(done * BAR + 0.5);
		fprintf(stderr, "[%.*s%.*s] %3.0f%%", filled, full, BAR - filled, none, done * 100);
	}
	if (count)
		fprintf(stderr, "  %.1f M references, %.1f M/s", (double)count / 1e6,
			(double)count / 1e6 / elapsed);
	if (done > 0.01)
		fprintf(stderr, "  %.0f s left", elapsed / done * (1 - done));
	fputs("\033[K", stderr);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->on = p->drawn = false;
}
