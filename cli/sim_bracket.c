/* SPDX-License-Identifier: Apache-2.0 */
/* sim_bracket.c - LRU on traces that were recorded through a window: between how many faults it has (sim_run.h). */
#include "cli/cli.h"
#include "cli/sim_run.h"
#include "core/replay/window.h"

#include <errno.h>
#include <string.h>

bool sim_is_lru(const struct sim_policy *p)
{
	return !p->opt && !strcmp(p->ops->name, "lru");
}

int sim_window_check(const struct sim_options *o, uint32_t window, uint32_t frames)
{
	if (o->force || frames / 2 >= window)
		return 0;
	complain(
		o->trace,
		"Take at least twice the window, a trace of a smaller one, or give --force.",
		"it was recorded through a window of %u pages, which hides faults of lru in %u frames",
		window, frames);
	return -EINVAL;
}

static int complain_err(const struct sim_options *o, const struct trace_source *t, int err)
{
	if (err == -EPROTO)
		complain(o->trace, "Record it again, or give --force.",
			 "more pages enter its window of %u than leave it: it lacks exits",
			 trace_header(t->reader)->window);
	else if (err)
		sim_complain(o, &t->source, err);
	return err;
}

/* The full model shares frames and fetches ahead: of that distances say nothing. */
int sim_bracket(const struct sim_options *o, struct trace_source *t, uint64_t warmup,
		struct sim_result *r)
{
	struct window w;
	bool wanted = false;
	int err;

	for (uint32_t i = 0; i < r->n_cells; i++)
		wanted |= sim_is_lru(r->cells[i].policy);
	if (!wanted || r->full || o->force)
		return 0;
	err = window_init(&w, r->window);
	if (!err)
		err = t->source.rewind(&t->source);
	if (!err)
		err = window_run(&w, &t->source, o->accesses_max, warmup);
	for (uint32_t i = 0; i < r->n_cells && !err; i++) {
		struct sim_cell *c = &r->cells[i];

		c->bracketed = sim_is_lru(c->policy);
		if (c->bracketed)
			window_misses(&w, c->frames, &c->faults_low, &c->faults_high);
	}
	window_destroy(&w);
	return complain_err(o, t, err);
}
