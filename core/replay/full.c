/* SPDX-License-Identifier: Apache-2.0 */
/*
 * full.c - traces through the full model (full.h).
 *
 * The library cannot set counters back, so what was counted up to the end of the warm-up is remembered and taken away.
 */
#include "core/replay/full.h"
#include "core/replay/crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_DEFAULT 65536u

/* One struct vmm. */
struct unit {
	struct full_cell *cell;
	const struct full_quota *quota; /* NULL: all processes */
	struct vmm *vmm;
	struct vm_stats warm; /* counted during the warm-up */
	struct full_process *processes_warm;
	uint32_t n_processes_warm;
	struct vm_stats *rows;
	uint32_t n_rows;
	double extra_warm_ns;
	uint64_t cpu_ns, failed_at;
};

struct block {
	struct pass_block pass;
	struct trace_full full;
	uint32_t *next; /* NULL: nobody asks */
	struct vmm_reference *refs;
};

struct run {
	struct full *model;
	struct pass pass;
	struct block blocks[2];
	struct unit *units;
	uint32_t n_units, page_shift;
};

/* --- one unit ---------------------------------------------------------------------------------------------------- */

static bool is_mine(const struct unit *u, uint32_t pid)
{
	return !u->quota || u->quota->pid == pid;
}

/* Events of ranges: pages beyond the last address are none. 0 bytes: nothing is left. */
static uint64_t range_bytes(const struct run *r, const struct trace_record *rec)
{
	uint64_t pages = UINT64_MAX >> r->page_shift, n = rec->value;

	if (rec->vpn > pages)
		return 0;
	if (n > pages - rec->vpn)
		return UINT64_MAX - (rec->vpn << r->page_shift);
	return n << r->page_shift;
}

static int map_play(const struct unit *u, const struct trace_record *rec, uint64_t addr,
		    uint64_t bytes)
{
	static const enum vmm_backing backings[TRACE_BACKINGS] = {
		[TRACE_ANON] = VMM_ANON,
		[TRACE_SHARED] = VMM_SHARED,
		[TRACE_FILE_PRIVATE] = VMM_FILE_PRIVATE,
		[TRACE_FILE_SHARED] = VMM_FILE_SHARED,
	};
	struct vmm_mapping m = { .backing = backings[rec->backing],
				 .object = rec->object,
				 .object_page = rec->object_page };

	return vmm_map(u->vmm, rec->pid, addr, bytes, &m);
}

/* A trace may fork into a pid that never ended: that is another process then. */
static int fork_play(const struct unit *u, const struct trace_record *rec)
{
	uint32_t child = (uint32_t)rec->value;
	int err;

	if (u->quota)
		return 0;
	err = vmm_fork(u->vmm, rec->pid, child);
	if (err != -EEXIST)
		return err;
	err = vmm_exit(u->vmm, child);
	return err ? err : vmm_fork(u->vmm, rec->pid, child);
}

static int event_play(const struct run *r, const struct unit *u, const struct trace_record *rec)
{
	uint64_t addr = rec->vpn << r->page_shift, bytes = range_bytes(r, rec);
	int err;

	if (!is_mine(u, rec->pid))
		return 0;
	switch (rec->kind) {
	case TRACE_FORK:
		return fork_play(u, rec);
	case TRACE_EXIT:
		err = vmm_exit(u->vmm, rec->pid);
		return err == -ESRCH ? 0 : err; /* it has never done anything */
	case TRACE_MAP:
		return bytes ? map_play(u, rec, addr, bytes) : 0;
	case TRACE_UNMAP:
		return bytes ? vmm_unmap(u->vmm, rec->pid, addr, bytes) : 0;
	case TRACE_DISCARD:
		return bytes ? vmm_discard(u->vmm, rec->pid, addr, bytes) : 0;
	default:
		return 0;
	}
}

/* A process of its own: what the others do is passed over. */
static int quota_play(struct unit *u, const struct block *b, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct vmm_reference *ref = &b->refs[i];
		uint64_t next = b->next && b->next[i] != OPT_NEVER ? b->next[i] : UINT64_MAX;
		int result;

		if (!is_mine(u, ref->pid))
			continue;
		result = b->next ? vmm_access_next(u->vmm, ref->pid, ref->addr, (int)ref->is_write,
						   next)
				 : vmm_access(u->vmm, ref->pid, ref->addr, (int)ref->is_write);
		if (result < 0) {
			u->failed_at = b->pass.first + i;
			return result;
		}
	}
	return 0;
}

static int refs_play(struct unit *u, const struct block *b, size_t from, size_t to)
{
	size_t done = 0;
	int err;

	if (u->quota || b->next)
		return quota_play(u, b, from, to);
	err = vmm_access_many(u->vmm, b->refs + from, to - from, &done);
	if (err)
		u->failed_at = b->pass.first + from + done;
	return err;
}

static int block_play(const struct run *r, struct unit *u, const struct block *b)
{
	size_t at = 0;
	int err = 0;

	for (uint32_t k = 0; k < b->full.n && !err; k++) {
		const struct trace_at *e = &b->full.list[k];

		err = refs_play(u, b, at, e->at);
		at = e->at;
		if (err)
			break;
		err = event_play(r, u, &e->record);
		u->failed_at = b->pass.first + at;
	}
	return err ? err : refs_play(u, b, at, b->pass.n);
}

/* --- counters ---------------------------------------------------------------------------------------------------- */

/* Takes away what was counted before; peaks stay. */
static void stats_subtract(struct vm_stats *s, const struct vm_stats *before)
{
	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (!vm_stat_is_peak(&vm_stat_list[i]))
			*(uint64_t *)((char *)s + vm_stat_list[i].offset) -=
				vm_stat_get(before, &vm_stat_list[i]);
}

static int processes_take(struct vmm *v, struct full_process **list, uint32_t *n)
{
	uint32_t count = vmm_processes(v, NULL, 0);
	uint32_t *pids = calloc((size_t)count + 1, sizeof(*pids));

	*n = 0;
	free(*list);
	*list = calloc((size_t)count + 1, sizeof(**list));
	if (!pids || !*list) {
		free(pids);
		return -ENOMEM;
	}
	vmm_processes(v, pids, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct vm_stats *s = vmm_process_stats(v, pids[i]);

		if (s)
			(*list)[(*n)++] = (struct full_process){ .pid = pids[i], .stats = *s };
	}
	free(pids);
	return 0;
}

/* What remote memory and the like took, so far: the library says it as a part of the mean time only. */
static double extra_ns(const struct unit *u)
{
	struct timing defaults = TIMING_DEFAULT;
	const struct timing *t = u->cell->config.timing ? u->cell->config.timing : &defaults;
	const struct vm_stats *s = vmm_stats(u->vmm);

	return (vmm_amt_ns(u->vmm) - timing_amt_ns(t, s, 0)) * (double)s->accesses;
}

static int warm_end(struct unit *u)
{
	u->extra_warm_ns = extra_ns(u);
	u->warm = *vmm_stats(u->vmm);
	return processes_take(u->vmm, &u->processes_warm, &u->n_processes_warm);
}

static int row_end(struct unit *u)
{
	int err = pass_rows_grow((void **)&u->rows, u->n_rows, sizeof(*u->rows));

	if (err)
		return err;
	u->rows[u->n_rows] = *vmm_stats(u->vmm);
	stats_subtract(&u->rows[u->n_rows++], &u->warm);
	return 0;
}

static int unit_work(void *arg, uint32_t item, int turn)
{
	struct run *r = arg;
	struct unit *u = &r->units[item];
	const struct block *b = &r->blocks[turn];
	uint64_t before = crew_cpu_ns();
	int err = block_play(r, u, b);

	if (!err && b->pass.warm && r->model->warmup == b->pass.first + b->pass.n)
		err = warm_end(u);
	for (uint64_t k = 0; k < b->pass.rows && !err; k++)
		err = row_end(u);
	u->cpu_ns += crew_cpu_ns() - before;
	return err;
}

/* --- results ----------------------------------------------------------------------------------------------------- */

/* Adds, peaks too: each unit has frames of its own. */
static void stats_sum(struct vm_stats *a, const struct vm_stats *b)
{
	for (uint32_t i = 0; i < vm_stat_count; i++)
		*(uint64_t *)((char *)a + vm_stat_list[i].offset) +=
			vm_stat_get(b, &vm_stat_list[i]);
}

static int local_result(struct unit *u)
{
	struct full_cell *c = u->cell;
	struct vm_stats stats = *vmm_stats(u->vmm);

	if (!c->processes)
		c->processes = calloc((size_t)c->n_quotas + 1, sizeof(*c->processes));
	if (!c->processes)
		return -ENOMEM;
	stats_subtract(&stats, &u->warm);
	c->processes[c->n_processes++] = (struct full_process){ .pid = u->quota->pid,
								.frames = u->quota->frames,
								.stats = stats };
	stats_sum(&c->stats, &stats);
	for (uint32_t k = 0; k < u->n_rows && c->rows; k++)
		stats_sum(&c->rows[k], &u->rows[k]);
	if (c->rows)
		return 0;
	c->rows = u->rows;
	c->n_rows = u->n_rows;
	u->rows = NULL;
	return 0;
}

static int pool_result(struct unit *u)
{
	struct full_cell *c = u->cell;
	int err = processes_take(u->vmm, &c->processes, &c->n_processes);

	c->stats = *vmm_stats(u->vmm);
	stats_subtract(&c->stats, &u->warm);
	for (uint32_t i = 0; !err && i < u->n_processes_warm; i++)
		stats_subtract(&c->processes[i].stats, &u->processes_warm[i].stats);
	c->rows = u->rows;
	c->n_rows = u->n_rows;
	u->rows = NULL;
	return err;
}

static int result_take(const struct run *r, struct unit *u)
{
	int err = r->pass.totals.references < r->model->warmup ? warm_end(u) : 0;

	if (err)
		return err;
	for (uint32_t i = 0; i < vm_stat_count; i++)
		u->cell->applies[i] = vmm_counter_applies(u->vmm, &vm_stat_list[i]);
	u->cell->cpu_ns += u->cpu_ns;
	u->cell->extra_ns += (uint64_t)(extra_ns(u) - u->extra_warm_ns + 0.5);
	return u->quota ? local_result(u) : pool_result(u);
}

/* --- the run ----------------------------------------------------------------------------------------------------- */

static int block_read(void *arg, int turn, bool *more)
{
	struct run *r = arg;
	struct block *b = &r->blocks[turn];
	int err;

	r->model->source->full = &b->full;
	b->full.n = 0;
	err = pass_read(&r->pass, &b->pass, more);
	*more |= b->full.n != 0;
	for (size_t i = 0; i < b->pass.n; i++)
		b->refs[i] = (struct vmm_reference){ .addr = b->full.vpns[i] << r->page_shift,
						     .pid = b->full.pids[i],
						     .is_write = b->pass.refs[i] >> 31 };
	if (!err && b->next)
		err = opt_table_read(r->model->next, b->pass.first, b->pass.n, b->next);
	return err;
}

static int between(void *arg)
{
	struct run *r = arg;
	struct full *m = r->model;

	return m->progress ? m->progress(m->progress_arg, r->pass.totals.references,
					 m->source->source.done)
			   : 0;
}

static int block_init(struct block *b, uint32_t n, bool next)
{
	b->full.vpns = malloc(n * sizeof(*b->full.vpns));
	b->full.pids = malloc(n * sizeof(*b->full.pids));
	if (next)
		b->next = malloc(n * sizeof(*b->next));
	b->refs = malloc(n * sizeof(*b->refs));
	if (!b->refs || !b->full.vpns || !b->full.pids || (next && !b->next))
		return -ENOMEM;
	return pass_block_init(&b->pass, n);
}

static int units_make(struct run *r, uint32_t *bad)
{
	struct full *m = r->model;
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_cells; i++)
		n += m->cells[i].quotas ? m->cells[i].n_quotas : 1;
	r->units = calloc((size_t)n + 1, sizeof(*r->units));
	if (!r->units)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->n_cells; i++) {
		struct full_cell *c = &m->cells[i];
		uint32_t parts = c->quotas ? c->n_quotas : 1;

		for (uint32_t k = 0; k < parts; k++) {
			struct unit *u = &r->units[r->n_units++];
			struct vmm_config config = c->config;

			u->cell = c;
			u->quota = c->quotas ? &c->quotas[k] : NULL;
			config.frames = u->quota ? u->quota->frames : config.frames;
			u->vmm = vmm_create(&config);
			if (!u->vmm) {
				*bad = i;
				return -errno;
			}
		}
	}
	return 0;
}

static void run_destroy(struct run *r)
{
	for (uint32_t i = 0; i < r->n_units; i++) {
		vmm_destroy(r->units[i].vmm);
		free(r->units[i].processes_warm);
		free(r->units[i].rows);
	}
	free(r->units);
	for (int k = 0; k < 2; k++) {
		pass_block_destroy(&r->blocks[k].pass);
		free(r->blocks[k].full.vpns);
		free(r->blocks[k].full.pids);
		free(r->blocks[k].full.list);
		free(r->blocks[k].next);
		free(r->blocks[k].refs);
	}
	pass_destroy(&r->pass);
	r->model->source->full = NULL;
}

static int crew_go(struct run *r, uint32_t *bad)
{
	struct full *m = r->model;
	struct crew crew = { .arg = r,
			     .n_items = r->n_units,
			     .jobs = m->jobs,
			     .read = block_read,
			     .work = unit_work,
			     .done = between };
	uint32_t unit = r->n_units;
	int err = crew_run(&crew, &unit);

	if (unit < r->n_units) {
		*bad = (uint32_t)(r->units[unit].cell - m->cells);
		m->failed_at = r->units[unit].failed_at;
	}
	return err;
}

int full_run(struct full *m, uint32_t *bad)
{
	uint32_t block = m->block ? m->block : BLOCK_DEFAULT;
	struct run r = { .model = m,
			 .page_shift = trace_header(m->source->reader)->page_shift,
			 .pass = { .source = &m->source->source,
				   .references_max = m->references_max,
				   .warmup = m->warmup,
				   .interval = m->interval,
				   .interval_ns = m->interval_ns,
				   .block = block,
				   .n_cells = m->n_cells,
				   .events = true } };
	int err = -ENOMEM;

	*bad = m->n_cells;
	for (uint32_t i = 0; i < m->n_cells; i++) {
		struct full_cell *c = &m->cells[i];

		*c = (struct full_cell){ .config = c->config,
					 .quotas = c->quotas,
					 .n_quotas = c->n_quotas };
	}
	if (!block_init(&r.blocks[0], block, m->next) && !block_init(&r.blocks[1], block, m->next))
		err = units_make(&r, bad);
	if (!err)
		err = crew_go(&r, bad);
	for (uint32_t i = 0; i < r.n_units && !err; i++)
		err = result_take(&r, &r.units[i]);
	m->totals = r.pass.totals;
	m->rows = r.pass.rows;
	m->n_rows = r.pass.n_rows;
	run_destroy(&r);
	return err;
}

void full_cell_destroy(struct full_cell *c)
{
	free(c->rows);
	free(c->processes);
	c->rows = NULL;
	c->processes = NULL;
}
