/* SPDX-License-Identifier: Apache-2.0 */
/* sim_local.c - see sim_local.h. */
#include "cli/sim_local.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>

static const struct sim_budget *budget_of(const struct sim_options *o, uint32_t pid)
{
	for (uint32_t i = 0; i < o->n_budgets; i++)
		if (o->budgets[i].pid == pid)
			return &o->budgets[i];
	return NULL;
}

/* Percentages are of all frames. */
static uint64_t frames_of(const struct sim_options *o, const struct sim_size *s, uint64_t frames)
{
	return s->value > 0 ? sim_size_frames(s, o->page_size, frames) : 0;
}

static uint64_t least(const struct sim_options *o, const struct sim_budget *b, uint64_t all)
{
	uint64_t min = frames_of(o, &b->min, all);

	return min ? min : 1;
}

/* Budgets as they are, or scaled down to `room`: those that would fall below their min get it, the others share the rest. */
static uint64_t budgets_fit(const struct sim_options *o, const struct sim_count *c, uint64_t all,
			    uint64_t room, struct full_quota *q)
{
	uint64_t want = 0, sum = 0, mins = 0;

	for (uint32_t k = 0; k < c->n_pids; k++)
		if (budget_of(o, q[k].pid))
			want += q[k].frames;
	for (uint32_t turn = 0; want > room && turn <= o->n_budgets; turn++) {
		uint64_t others = 0;

		mins = 0;
		for (uint32_t k = 0; k < c->n_pids; k++) {
			const struct sim_budget *b = budget_of(o, q[k].pid);
			uint64_t min = b ? least(o, b, all) : 0;

			if (b && q[k].frames <= min)
				mins += min;
			else if (b)
				others += q[k].frames;
		}
		for (uint32_t k = 0; k < c->n_pids; k++) {
			const struct sim_budget *b = budget_of(o, q[k].pid);
			uint64_t min = b ? least(o, b, all) : 0, frames;

			if (!b || !others)
				continue;
			frames = room > mins ? q[k].frames * (room - mins) / others : 0;
			if (q[k].frames <= min || frames < min)
				frames = min;
			q[k].frames = (uint32_t)frames;
		}
		want = 0;
		for (uint32_t k = 0; k < c->n_pids; k++)
			if (budget_of(o, q[k].pid))
				want += q[k].frames;
	}
	for (uint32_t k = 0; k < c->n_pids; k++)
		sum += q[k].frames;
	return sum;
}

static int cell_divide(const struct sim_options *o, const struct sim_count *c, uint32_t frames,
		       struct full_quota *q)
{
	uint32_t n_free = 0, turn = 0;
	uint64_t taken, rest;

	for (uint32_t k = 0; k < c->n_pids; k++) {
		const struct sim_budget *b = budget_of(o, c->pids[k]);

		q[k] = (struct full_quota){ .pid = c->pids[k] };
		if (b)
			q[k].frames = (uint32_t)frames_of(o, &b->size, frames);
		else
			n_free++;
	}
	taken = frames > n_free ? budgets_fit(o, c, frames, frames - n_free, q) : UINT64_MAX;
	if (taken > frames || frames - taken < n_free) {
		complain("--allocation", "Give more frames, or smaller budgets.",
			 "%u frames are too few for %u processes and their budgets", frames,
			 c->n_pids);
		return -EINVAL;
	}
	rest = frames - taken;
	for (uint32_t k = 0; k < c->n_pids; k++)
		if (!budget_of(o, c->pids[k])) {
			q[k].frames = (uint32_t)(rest / n_free + (turn < rest % n_free));
			turn++;
		}
	return 0;
}

int sim_quotas_make(const struct sim_options *o, const struct sim_count *c,
		    const struct sim_result *r, struct sim_quotas *quotas)
{
	int err = 0;

	for (uint32_t i = 0; i < o->n_budgets && !err; i++) {
		uint32_t k = 0;

		while (k < c->n_pids && c->pids[k] != o->budgets[i].pid)
			k++;
		if (k < c->n_pids)
			continue;
		complain("--budget", "`vmm trace info` lists its processes.",
			 "the trace has no process %u", o->budgets[i].pid);
		return -EINVAL;
	}
	for (uint32_t i = 0; i < o->n_policies; i++)
		if (o->policies[i].ops->class == POLICY_X && !o->policies[i].opt) {
			complain("--allocation", "Leave out one of the two.",
				 "%s needs the time of all processes together",
				 o->policies[i].ops->name);
			return -EINVAL;
		}
	quotas->n_pids = c->n_pids;
	quotas->list = calloc((size_t)r->n_cells * c->n_pids + 1, sizeof(*quotas->list));
	if (!quotas->list) {
		complain("sim", NULL, "out of memory");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < r->n_cells && !err; i++)
		err = cell_divide(o, c, r->cells[i].frames, quotas->list + (size_t)i * c->n_pids);
	return err;
}
