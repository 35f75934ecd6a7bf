/* SPDX-License-Identifier: Apache-2.0 */
/* compare_run.c - the runs of a comparison (compare.h): the program alone, its footprint, then all cells in a random order. */
#include "cli/cli.h"
#include "cli/compare.h"
#include "cli/compare_session.h"
#include "cli/policy_text.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/run_program.h"
#include "core/rng.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int compare_out_of_memory(void)
{
	complain("compare", NULL, "out of memory");
	return STATUS_VMM_FAILED;
}

static bool interrupted(int status)
{
	return status == STATUS_SIGNAL + SIGINT || status == STATUS_SIGNAL + SIGTERM ||
	       status == STATUS_SIGNAL + SIGQUIT || status == STATUS_SIGNAL + SIGHUP;
}

/* --- one run ----------------------------------------------------------------------------------------------------- */

/* The program as it is. `first`: its messages are shown, and its output is what all others are compared with. */
static int run_alone(struct session *s, struct compare_run *run, bool first)
{
	char digest[65];
	int status = 0, err = compare_stdio_enter(&s->io, first);
	double start = now_s();
	pid_t pid = err ? -1 : fork();

	if (pid == 0) {
		execvp(s->c->program[0], s->c->program);
		_exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE);
	}
	if (!err && (pid < 0 || waitpid(pid, &status, 0) < 0))
		err = -errno;
	run->elapsed_s = now_s() - start;
	compare_stdio_leave(&s->io);
	if (err) {
		complain("compare", NULL, "the program cannot be run alone: %s", strerror(-err));
		return STATUS_VMM_FAILED;
	}
	run->status = WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	if (first) {
		compare_stdio_digest(&s->io, s->expected);
		s->c->status = run->status;
	}
	compare_stdio_digest(&s->io, digest);
	run->same = run->status == s->c->status && !strcmp(digest, s->expected);
	return interrupted(run->status) ? run->status : STATUS_OK;
}

int session_run(struct session *s, const struct run_config *config, struct compare_run *run)
{
	struct run_result *r = s->result;
	int err = compare_stdio_enter(&s->io, false);
	char digest[65];

	if (!err) {
		err = pager_run(config, r);
		compare_stdio_leave(&s->io);
	}
	if (!err && r->vmm_errno && !r->fatal[0])
		err = -abs(r->vmm_errno);
	if (err) {
		complain("compare", "`vmm doctor` says what this machine lacks.",
			 "a run failed: %s", strerror(-err));
		return STATUS_VMM_FAILED;
	}
	*run = (struct compare_run){ .elapsed_s = r->elapsed_s,
				     .stats = r->stats,
				     .seed = config->seed,
				     .status = r->signal ? STATUS_SIGNAL + r->signal
							 : r->exit_code };
	memcpy(run->fatal, r->fatal, sizeof(run->fatal));
	compare_stdio_digest(&s->io, digest);
	run->same = !run->fatal[0] && run->status == s->c->status && !strcmp(digest, s->expected);
	return interrupted(run->status) && !run->fatal[0] ? run->status : STATUS_OK;
}

static int run_cell(struct session *s, struct compare_cell *cell)
{
	struct compare_run *run = &cell->runs[cell->n_runs];
	int status;

	if (!cell->policy) {
		status = run_alone(s, run, false);
	} else {
		cell->run.config.seed = s->c->options->run.config.seed + cell->n_runs;
		status = session_run(s, &cell->run.config, run);
	}
	if (!status)
		cell->n_runs++;
	if (!status && cell->reports) {
		struct report report = { &cell->run.config, s->result, cell->run.policy,
					 cell->run.values, cell->run.class };

		if (json_array_append_new(cell->reports, report_json_tree(&report)))
			status = compare_out_of_memory();
	}
	s->done++;
	progress_update(&s->progress, 0, (double)s->done / s->total);
	return status;
}

/* --- before the cells -------------------------------------------------------------------------------------------- */

/* How many pages the program needs: a run without limit. */
static int footprint_find(struct session *s)
{
	struct run_config config = s->c->options->run.config;
	struct compare_run run;
	int status;

	config.policy = "fifo";
	config.argv = s->c->program;
	config.window = 0;
	status = session_run(s, &config, &run);
	if (status)
		return status;
	if (run.fatal[0]) {
		complain("compare", NULL, "the run without limit was stopped: %s", run.fatal);
		return STATUS_VMM_FAILED;
	}
	s->c->footprint = run.stats.footprint_pages;
	s->c->processes = s->result->processes_total;
	if (s->c->footprint)
		return STATUS_OK;
	complain(s->c->program[0], "`vmm run -- PROGRAM` says why.", "nothing of it can be paged");
	return STATUS_FAILED;
}

/* Percentages of a small program may be fewer frames than any program needs. */
static int sizes_find(struct comparison *c, struct sim_options *o)
{
	uint32_t n = 0;

	if (sim_sizes_resolve(o, c->footprint))
		return STATUS_USAGE;
	for (uint32_t i = 0; i < o->n_sizes; i++) {
		if (o->sizes[i] < RUN_FRAMES_MIN)
			o->sizes[i] = RUN_FRAMES_MIN;
		if (!n || o->sizes[i] != o->sizes[n - 1])
			o->sizes[n++] = o->sizes[i];
	}
	o->n_sizes = n;
	return STATUS_OK;
}

static int cell_make(struct comparison *c, struct compare_cell *cell,
		     const struct sim_policy *policy, uint32_t frames)
{
	*cell = (struct compare_cell){ .policy = policy, .frames = frames, .run = c->options->run };
	cell->runs = calloc(c->options->sim.repeat, sizeof(*cell->runs));
	if (!cell->runs)
		return compare_out_of_memory();
	if (!policy)
		return STATUS_OK;
	cell->run.config.policy = policy->spec;
	cell->run.config.frames = frames;
	cell->run.config.argv = c->program;
	cell->run.frames_option = "-f";
	if (run_options_check(&cell->run))
		return STATUS_USAGE;
	cell->reports = c->options->sim.json || c->options->sim.html ? json_array() : NULL;
	return STATUS_OK;
}

static int cells_make(struct comparison *c)
{
	const struct sim_options *o = &c->options->sim;
	int status = cell_make(c, &c->alone, NULL, 0);

	c->cells = calloc((size_t)o->n_sizes * o->n_policies, sizeof(*c->cells));
	if (!c->cells)
		return compare_out_of_memory();
	for (uint32_t i = 0; i < o->n_sizes && !status; i++)
		for (uint32_t k = 0; k < o->n_policies && !status; k++)
			if (!o->policies[k].opt)
				status = cell_make(c, &c->cells[c->n_cells++], &o->policies[k],
						   o->sizes[i]);
	return status;
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

static void shuffle(struct compare_cell **order, uint32_t n, uint64_t seed)
{
	struct rng g = { seed };

	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = (uint32_t)rng_below(&g, i);
		struct compare_cell *cell = order[i - 1];

		order[i - 1] = order[k];
		order[k] = cell;
	}
}

static int cells_run(struct session *s)
{
	struct comparison *c = s->c;
	uint32_t repeat = (uint32_t)c->options->sim.repeat, n = 0;
	struct compare_cell **order;
	int status = STATUS_OK;

	s->total = repeat * (c->n_cells + 1);
	order = calloc(s->total, sizeof(struct compare_cell *));
	if (!order)
		return compare_out_of_memory();
	for (uint32_t i = 0; i < repeat; i++) {
		order[n++] = &c->alone;
		for (uint32_t k = 0; k < c->n_cells; k++)
			order[n++] = &c->cells[k];
	}
	shuffle(order, n, c->options->sim.seed);
	progress_begin(&s->progress, "compare", c->options->sim.quiet);
	for (uint32_t i = 0; i < n && !status; i++)
		status = run_cell(s, order[i]);
	progress_end(&s->progress);
	free(order);
	return status;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct compare_spread spread_of(const struct compare_cell *cell, bool faults)
{
	double *v = calloc(cell->n_runs + 1, sizeof(*v));
	struct compare_spread s = { 0, 0, 0 };
	uint32_t n = cell->n_runs;

	if (!v || !n) {
		free(v);
		return s;
	}
	for (uint32_t i = 0; i < n; i++)
		v[i] = faults ? (double)cell->runs[i].stats.faults : cell->runs[i].elapsed_s;
	qsort(v, n, sizeof(*v), ascending);
	s = (struct compare_spread){ (v[(n - 1) / 2] + v[n / 2]) / 2, v[0], v[n - 1] };
	free(v);
	return s;
}

static void cell_sum(struct compare_cell *cell)
{
	cell->good = cell->n_runs > 0;
	for (uint32_t i = 0; i < cell->n_runs; i++)
		cell->good &= cell->runs[i].same;
	cell->time_s = spread_of(cell, false);
	cell->faults = spread_of(cell, true);
}

/* --- a session -------------------------------------------------------------------------------------- */

int session_open(struct session *s, struct comparison *c)
{
	int err;

	*s = (struct session){ .c = c };
	s->result = calloc(1, sizeof(*s->result));
	if (!s->result)
		return compare_out_of_memory();
	err = compare_stdio_open(&s->io);
	if (!err)
		return STATUS_OK;
	complain("compare", "TMPDIR is where the program's output is kept meanwhile.",
		 "there is no place for it: %s", strerror(-err));
	free(s->result);
	return STATUS_VMM_FAILED;
}

void session_close(struct session *s)
{
	compare_stdio_close(&s->io);
	free(s->result);
}

int session_begin(struct session *s, struct compare_options *options)
{
	struct compare_run first = { .status = 0 };
	int status = run_alone(s, &first, true);

	if (!status)
		status = footprint_find(s);
	return status ? status : sizes_find(s->c, &options->sim);
}

static int measure(struct session *s, struct compare_options *options)
{
	struct comparison *c = s->c;
	int status = session_begin(s, options);

	if (!status)
		status = cells_make(c);
	for (uint32_t i = 0; i < options->sim.n_policies && !status; i++)
		if (options->sim.policies[i].opt && !c->opt)
			status = session_opt(s);
	if (!status)
		status = cells_run(s);
	cell_sum(&c->alone);
	for (uint32_t i = 0; i < c->n_cells; i++)
		cell_sum(&c->cells[i]);
	return status;
}

int compare_measure(struct comparison *c, struct compare_options *options)
{
	struct session s;
	int status = session_open(&s, c);

	if (status)
		return status;
	status = measure(&s, options);
	session_close(&s);
	return status;
}

static void cell_destroy(struct compare_cell *cell)
{
	free(cell->runs);
	json_decref(cell->reports);
}

void compare_destroy(struct comparison *c)
{
	cell_destroy(&c->alone);
	for (uint32_t i = 0; i < c->n_cells; i++)
		cell_destroy(&c->cells[i]);
	free(c->cells);
	free(c->opt);
}
