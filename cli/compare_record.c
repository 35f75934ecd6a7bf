/* SPDX-License-Identifier: Apache-2.0 */
/* compare_record.c - what a comparison (compare.h) does with a recording of the program: OPT's faults, and --replay. */
#include "cli/cli.h"
#include "cli/compare_session.h"
#include "cli/sim_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_MOST 64u /* of a recording for OPT and --replay, */
#define WINDOW_LEAST 8u /* and no more than a quarter of the smallest size */

/* A recording of the program. */
struct recording {
	const char *path; /* as it can be opened */
	char path_of_fd[64];
	int fd; /* the file has no other name: nothing is left behind; -1: it has */
	uint32_t window;
};

/* A file in TMPDIR: its name, for free(), or NULL. */
static char *temporary_make(int *fd)
{
	const char *dir = getenv("TMPDIR");
	char *name = NULL;

	if (asprintf(&name, "%s/vmm-compare-XXXXXX.vmt", dir && *dir ? dir : "/tmp") < 0)
		return NULL;
	*fd = mkostemps(name, (int)strlen(".vmt"), O_CLOEXEC);
	if (*fd >= 0)
		return name;
	complain(name, NULL, "the trace cannot be written: %s", strerror(errno));
	free(name);
	return NULL;
}

static uint32_t window_choose(const struct compare_options *o)
{
	uint32_t window = o->sim.sizes[0] / 4 < WINDOW_MOST ? o->sim.sizes[0] / 4 : WINDOW_MOST;

	if (o->run.window)
		window = (uint32_t)o->run.window;
	return window < WINDOW_LEAST ? WINDOW_LEAST : window;
}

static int record(struct session *s, struct recording *rec)
{
	const struct compare_options *o = s->c->options;
	struct run_config config = o->run.config;
	struct compare_run run;
	char *name = NULL;
	int status;

	*rec = (struct recording){ .path = o->sim.output, .fd = -1, .window = window_choose(o) };
	if (!rec->path) {
		name = temporary_make(&rec->fd);
		if (!name)
			return STATUS_VMM_FAILED;
		snprintf(rec->path_of_fd, sizeof(rec->path_of_fd), "/proc/self/fd/%d", rec->fd);
		rec->path = rec->path_of_fd;
	}
	config.policy = "lru";
	config.window = rec->window;
	config.record = name ? name : rec->path;
	config.argv = s->c->program;
	status = session_run(s, &config, &run);
	if (name)
		unlink(name);
	free(name);
	if (!status && (run.fatal[0] || s->result->record.error)) {
		complain("compare", NULL, "the program could not be recorded: %s",
			 run.fatal[0] ? run.fatal : strerror(-s->result->record.error));
		status = STATUS_VMM_FAILED;
	}
	return status;
}

static void recording_close(const struct recording *rec)
{
	if (rec->fd >= 0)
		close(rec->fd);
}

int session_opt(struct session *s)
{
	struct comparison *c = s->c;
	struct sim_options o = c->options->sim;
	struct sim_policy opt = { .opt = true };
	struct sim_result r = { .page_size = 0 };
	struct recording rec;
	int status = record(s, &rec);

	for (uint32_t i = 0; i < o.n_policies; i++)
		if (o.policies[i].opt)
			opt = o.policies[i];
	o.policies = &opt;
	o.n_policies = 1;
	o.trace = rec.path;
	o.force = true;
	o.repeat = 1;
	o.quiet = true;
	o.html = NULL;
	o.n_given = 0; /* the sizes are there */
	c->opt = calloc(o.n_sizes, sizeof(*c->opt));
	if (!status && !c->opt)
		status = compare_out_of_memory();
	if (!status && sim_all(&o, &r))
		status = STATUS_FAILED;
	for (uint32_t i = 0; i < r.n_cells && !status && c->opt; i++)
		c->opt[i] = r.cells[i].stats.faults;
	c->opt_window = rec.window;
	sim_result_destroy(&r);
	recording_close(&rec);
	return status;
}

int compare_replay(struct comparison *c, struct compare_options *options)
{
	struct sim_options *o = &options->sim;
	struct recording rec = { .fd = -1 };
	struct session s;
	int status = session_open(&s, c);

	if (status)
		return status;
	status = session_begin(&s, options);
	if (!status)
		status = record(&s, &rec);
	session_close(&s);
	if (!status) {
		if (!o->quiet)
			fprintf(stderr,
				"vmm: %s was recorded once, through a window of %u pages; all that follows is replayed\n",
				c->program[0], rec.window);
		o->trace = rec.path;
		o->n_given = 0; /* the sizes are there */
		status = sim_execute(o, c->argv) ? STATUS_FAILED : STATUS_OK;
	}
	recording_close(&rec);
	return status;
}
