/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_full.c - replaying through struct vmm (sim_run.h): its configuration, next uses for policies of the future, quotas of
 * processes, and what its errors mean.
 */
#include "cli/cli.h"
#include "cli/sim_local.h"
#include "cli/sim_report.h"
#include "cli/sim_run.h"
#include "cli/trace_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct full_run {
	struct full model;
	struct vmm_mmu *mmus; /* by cell */
	struct timing timing;
	struct opt_table table;
	struct sim_quotas quotas;
};

static int show(void *arg, uint64_t references, double done)
{
	progress_update(arg, references, done);
	return 0;
}

static void config_set(const struct sim_options *o, const struct sim_cell *c,
		       const struct timing *timing, struct vmm_mmu *mmu, struct vmm_config *config)
{
	*mmu = (struct vmm_mmu){ .page_table = c->table,
				 .tlb = o->tlb,
				 .walk_cache = (uint32_t)o->walk_cache };
	*config = (struct vmm_config){
		.size = sizeof(*config),
		.frames = c->frames,
		.page_size = (uint32_t)o->page_size,
		.seed = c->seed,
		.policy = c->policy->spec,
		.mmu = c->table || o->tlb ? mmu : NULL,
		.large = o->large,
		.prefetch = o->prefetch,
		.numa = o->numa,
		.timing = timing,
		.swap_pages = (uint32_t)((o->swap_mib << 20) / o->page_size),
		.flags = (o->time_faults ? VMM_FLAG_TIME_FAULTS : 0) |
			 (o->probation ? VMM_FLAG_PROBATION : 0),
	};
}

/* Next uses, when a policy wants them. */
static int table_make(const struct sim_options *o, struct trace_source *trace, struct full_run *f)
{
	struct progress p;
	bool wanted = false;
	int err;

	for (uint32_t i = 0; i < o->n_policies; i++)
		wanted |= o->policies[i].ops->class == POLICY_X;
	if (!wanted)
		return 0;
	progress_begin(&p, "next uses", o->quiet);
	err = opt_table_make(&f->table, &trace->source, o->accesses_max, SIM_NEXT_BYTES);
	progress_end(&p);
	if (!err)
		err = trace->source.rewind(&trace->source);
	if (err)
		sim_complain(o, &trace->source, err);
	f->model.next = &f->table;
	return err;
}

/* Which option the library did not take: it is asked for each alone. */
static void config_complain(const struct sim_options *o, const struct full_cell *cell, int err)
{
	const struct vmm_config *c = &cell->config;
	const struct {
		const char *option, *value, *how;
		struct vmm_config alone;
	} tries[] = {
		{ "--tlb",
		  o->tlb,
		  "Write -T 64 or -T l1=64x4,l2=1536x12,policy=lru,asid.",
		  { .frames = 2, .mmu = &(struct vmm_mmu){ .tlb = o->tlb } } },
		{ "--numa",
		  o->numa,
		  "Write --numa 2 or --numa 4:interleave,remote-ns=150.",
		  { .frames = c->frames, .numa = o->numa } },
		{ "--large",
		  o->large,
		  "There are off, always and auto.",
		  { .frames = c->frames, .large = o->large } },
		{ "--prefetch",
		  o->prefetch,
		  "There are off, seq[:N], stride[:N] and trend.",
		  { .frames = 2, .prefetch = o->prefetch } },
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct vmm *v = tries[i].value ? vmm_create(&tries[i].alone) : NULL;

		vmm_destroy(v);
		if (!tries[i].value || v)
			continue;
		complain(tries[i].option, tries[i].how,
			 errno == ENOTSUP ? "'%s' is not possible with the other options"
					  : "'%s' is not understood",
			 tries[i].value);
		return;
	}
	if (err == -ENOTSUP && o->large) {
		complain(
			"--large",
			"Large pages go with policies other than opt and vmin, without -s, and with page "
			"tables that know the size: three, four, five.",
			"'%s' is not possible with the other options", o->large);
		return;
	}
	complain("sim", err == -ENOMEM ? "Take less memory, or fewer policies at once." : NULL,
		 "policy %s with %u frames cannot be made: %s", c->policy, c->frames,
		 strerror(-err));
}

static void reference_complain(const struct sim_options *o, const struct full *m,
			       const struct full_cell *cell, int err)
{
	uint64_t at = m->failed_at;

	switch (err) {
	case -ERANGE:
		complain("--pt", "A table of more levels reaches further; `two` has 32 bits.",
			 "the address of reference %" PRIu64 " is beyond the page table %s", at,
			 cell->config.mmu && cell->config.mmu->page_table
				 ? cell->config.mmu->page_table
				 : "");
		break;
	case -ENOMEM:
		if (o->swap_mib) {
			complain("--swap", "Give more swap, or more frames.",
				 "at reference %" PRIu64
				 " every frame was dirty and the device of %" PRIu64 " MiB full",
				 at, o->swap_mib);
			break;
		}
		complain("sim", "Give more frames; or the simulation itself needs more memory.",
			 "reference %" PRIu64 " found no frame that could be taken, with %u frames",
			 at, cell->config.frames);
		break;
	default:
		complain(o->trace, NULL,
			 "with policy %s and %u frames, at reference %" PRIu64 ": %s",
			 cell->config.policy, cell->config.frames, at, strerror(-err));
	}
}

static void results_take(struct sim_result *r, struct full *m)
{
	for (uint32_t i = 0; i < r->n_cells; i++) {
		struct sim_cell *c = &r->cells[i];
		struct full_cell *from = &m->cells[i];

		c->stats = from->stats;
		c->rows = from->rows;
		c->n_rows = from->n_rows;
		c->processes = from->processes;
		c->n_processes = from->n_processes;
		memcpy(c->applies, from->applies, sizeof(c->applies));
		c->cpu_ns = from->cpu_ns;
		c->extra_ns = from->extra_ns;
	}
	r->totals = m->totals;
	r->rows = m->rows;
	r->n_rows = m->n_rows;
	r->full = true;
}

static int model_go(const struct sim_options *o, struct trace_source *trace, struct full_run *f,
		    struct sim_result *r)
{
	struct full *m = &f->model;
	struct progress p;
	uint32_t bad;
	int err;

	progress_begin(&p, "simulating", o->quiet);
	m->progress_arg = &p;
	err = full_run(m, &bad);
	progress_end(&p);
	if (!err) {
		results_take(r, m);
		return 0;
	}
	if (bad == r->n_cells)
		sim_complain(o, &trace->source, err);
	else if (m->failed_at || m->totals.references)
		reference_complain(o, m, &m->cells[bad], err);
	else
		config_complain(o, &m->cells[bad], err);
	for (uint32_t i = 0; i < r->n_cells; i++)
		full_cell_destroy(&m->cells[i]);
	free(m->rows);
	return err;
}

int sim_run_full(const struct sim_options *o, struct trace_source *trace,
		 const struct sim_count *count, uint64_t warmup, struct sim_result *r)
{
	struct full_run f = { .model = { .source = trace,
					 .n_cells = r->n_cells,
					 .jobs = (uint32_t)o->jobs,
					 .references_max = o->accesses_max,
					 .warmup = warmup,
					 .interval = o->interval,
					 .interval_ns = o->interval_ns,
					 .progress = show },
			      .timing = sim_timing(o),
			      .table = { .fd = -1 } };
	double start = now_s();
	int err = -ENOMEM;

	f.model.cells = calloc(r->n_cells, sizeof(*f.model.cells));
	f.mmus = calloc(r->n_cells, sizeof(*f.mmus));
	if (!f.model.cells || !f.mmus) {
		complain("sim", NULL, "out of memory");
		goto out;
	}
	err = o->local ? sim_quotas_make(o, count, r, &f.quotas) : 0;
	for (uint32_t i = 0; i < r->n_cells && !err; i++) {
		config_set(o, &r->cells[i], &f.timing, &f.mmus[i], &f.model.cells[i].config);
		if (!o->local)
			continue;
		f.model.cells[i].quotas = f.quotas.list + (size_t)i * f.quotas.n_pids;
		f.model.cells[i].n_quotas = f.quotas.n_pids;
	}
	if (!err)
		err = table_make(o, trace, &f);
	if (!err)
		err = model_go(o, trace, &f, r);
	r->opt_file_bytes = f.table.file_bytes;
	r->elapsed_s += now_s() - start;
out:
	opt_table_destroy(&f.table);
	free(f.quotas.list);
	free(f.model.cells);
	free(f.mmus);
	return err;
}
