/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_json.c - the JSON report of `vmm sim` (sim_report.h): one run is an object as in live reports, several are
 * "runs" of one object. A key that does not apply is absent.
 *
 * jansson takes ownership of every value, also when it fails; only memory can fail, and `set` notes it.
 */
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sim_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static bool incomplete;

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		incomplete = true;
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
	set(object, key, json_integer((json_int_t)value));
}

static json_t *counters(const struct sim_cell *c, const struct vm_stats *s)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (c->applies[i])
			set_count(object, vm_stat_list[i].name, vm_stat_get(s, &vm_stat_list[i]));
	return object;
}

static json_t *params(const struct sim_policy *p)
{
	json_t *object = json_object();

	for (int i = 0; p->ops && p->ops->params && p->ops->params[i].name; i++)
		set_count(object, p->ops->params[i].name, p->values[i]);
	return object;
}

json_t *sim_provenance(const struct sim_options *o, const struct sim_result *res, char **argv)
{
	json_t *object = json_object(), *command = json_array();
	struct utsname system;

	for (; *argv; argv++)
		if (json_array_append_new(command, report_text_json(*argv)))
			incomplete = true;
	set(object, "version", json_string(vmm_version));
	set(object, "commit", json_string(vmm_commit));
	set(object, "command", command);
	set_count(object, "seed", o->seed);
	set(object, "trace", report_text_json(o->trace));
	if (res->window)
		set_count(object, "window", res->window);
	if (res->sha256[0])
		set(object, "trace_sha256", json_string(res->sha256));
	if (!uname(&system))
		set(object, "kernel", report_text_json(system.release));
	set(object, "cpu", report_cpu_json());
	return object;
}

/* What was counted between two rows. */
static json_t *row_tree(const struct sim_result *res, const struct sim_cell *c, uint32_t k,
			uint64_t first, bool timed)
{
	static const char *const keys[] = { "faults", "faults_major", "evictions", "store_writes",
					    "tlb_misses" };
	json_t *object = json_object();

	set_count(object, "first", first);
	if (timed)
		set_count(object, "start_ns", res->rows[k].start_ns);
	set_count(object, "references", res->rows[k].references);
	set_count(object, "working_set_pages", res->rows[k].pages);
	for (uint32_t i = 0; i < vm_stat_count; i++)
		for (size_t n = 0; n < sizeof(keys) / sizeof(keys[0]); n++)
			if (c->applies[i] && !strcmp(keys[n], vm_stat_list[i].name))
				set_count(
					object, keys[n],
					vm_stat_get(&c->rows[k], &vm_stat_list[i]) -
						(k ? vm_stat_get(&c->rows[k - 1], &vm_stat_list[i])
						   : 0));
	return object;
}

static json_t *rows(const struct sim_result *res, const struct sim_cell *c, bool timed)
{
	uint64_t first = res->totals.warmup;
	json_t *array = json_array();

	for (uint32_t k = 0; k < c->n_rows; k++) {
		if (json_array_append_new(array, row_tree(res, c, k, first, timed)))
			incomplete = true;
		first += res->rows[k].references;
	}
	return array;
}

/* What applies to a process is what it counted: the library tells apart what it can. */
static json_t *processes(const struct sim_cell *c)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < c->n_processes; i++) {
		const struct full_process *p = &c->processes[i];
		json_t *object = json_object(), *counts = json_object();

		set_count(object, "pid", p->pid);
		set(object, "paged", json_true());
		if (p->frames)
			set_count(object, "frames", p->frames);
		for (uint32_t k = 0; k < vm_stat_count; k++)
			if (c->applies[k] &&
			    (p->frames || vm_stat_get(&p->stats, &vm_stat_list[k])))
				set_count(counts, vm_stat_list[k].name,
					  vm_stat_get(&p->stats, &vm_stat_list[k]));
		set(object, "counters", counts);
		if (json_array_append_new(array, object))
			incomplete = true;
	}
	return array;
}

static void set_model(json_t *root, const struct sim_options *o, const struct sim_cell *c)
{
	const struct {
		const char *key, *value;
	} texts[] = { { "page_table", c->table },
		      { "tlb", o->tlb },
		      { "numa", o->numa },
		      { "large", o->large },
		      { "prefetch", o->prefetch } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].value)
			set(root, texts[i].key, report_text_json(texts[i].value));
	if (o->walk_cache)
		set_count(root, "walk_cache", o->walk_cache);
	if (o->swap_mib)
		set_count(root, "swap_mib", o->swap_mib);
	set(root, "allocation", json_string(o->local ? "local" : "global"));
	set(root, "time_base", json_string(o->time_faults ? "faults" : "references"));
}

static void set_seeds(json_t *root, const struct sim_group *g)
{
	json_t *faults = json_array(), *object = json_object();

	for (uint32_t i = 0; i < g->n; i++)
		if (json_array_append_new(faults,
					  json_integer((json_int_t)g->cells[i].stats.faults)))
			incomplete = true;
	set_count(object, "n", g->n);
	set(object, "faults_mean", json_real(g->faults));
	set(object, "faults_interval", json_pack("[f, f]", g->low, g->high));
	set(object, "faults", faults);
	set(root, "seeds", object);
}

static json_t *cell_tree(const struct sim_report *r, const struct sim_result *res,
			 const struct sim_group *g)
{
	const struct sweep_totals *t = &res->totals;
	const struct sim_options *o = r->options;
	const struct sim_cell *c = g->cells;
	json_t *root = json_object();

	set_count(root, "schema", REPORT_SCHEMA);
	set(root, "mode", json_string("sim"));
	set(root, "engine", json_string(res->full ? "model" : "replay"));
	set(root, "config", report_text_json(o->config_name));
	set(root, "policy", json_string(sim_policy_name(c->policy)));
	set(root, "policy_params", params(c->policy));
	set(root, "fidelity", json_string(sim_fidelity(o, res, c)));
	set(root, "approximate", json_boolean(sim_approximate(res, c)));
	if (c->bracketed)
		set(root, "bounds",
		    json_pack("{s:[I, I]}", "faults", (json_int_t)c->faults_low,
			      (json_int_t)c->faults_high));
	set(root, "provenance", sim_provenance(o, &r->results[0], r->argv));
	set_count(root, "frames", c->frames);
	set_count(root, "page_size", res->page_size);
	set(root, "elapsed_s", json_real(res->elapsed_s));
	set_count(root, "warmup", t->warmup);
	set_model(root, o, c);
	set(root, "counters", counters(c, &c->stats));
	set_count(root, "faults_cold", t->pages_cold);
	set(root, "miss_ratio",
	    json_real(c->stats.accesses ? (double)c->stats.faults / (double)c->stats.accesses : 0));
	set_count(root, "trace_pages", t->pages);
	if (c->stats.resident_sum && c->stats.accesses)
		set(root, "resident_mean_frames",
		    json_real((double)c->stats.resident_sum / (double)c->stats.accesses));
	if (sim_cell_has(c, "store_reads")) {
		set(root, "amt_ns", json_real(sim_amt_ns(o, c)));
		set(root, "slowdown", json_real(sim_slowdown(o, c)));
		set(root, "slowdown_base", json_string("timing model"));
	}
	if (c->cpu_ns)
		set(root, "replay_cpu_s", json_real((double)c->cpu_ns / 1e9));
	if (g->n > 1)
		set_seeds(root, g);
	if (c->n_rows)
		set(root, "intervals", rows(res, c, o->interval_ns != 0));
	if (c->n_processes)
		set(root, "processes", processes(c));
	return root;
}

static int json_write(FILE *file, const void *tree)
{
	if (json_dumpf(tree, file, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) ||
	    fputc('\n', file) == EOF)
		return errno ? -errno : -EIO;
	return 0;
}

int sim_json_write(json_t *tree, const char *path)
{
	int err = tree && !incomplete ? output_write(path, json_write, tree) : -ENOMEM;

	json_decref(tree);
	return err;
}

json_t *sim_report_runs(const struct sim_report *r)
{
	json_t *runs = json_array();
	uint32_t n;

	incomplete = false;
	for (uint32_t k = 0; k < r->n_results; k++)
		for (uint32_t i = 0; i < r->results[k].n_cells; i += n) {
			struct sim_group g = sim_group_at(&r->results[k], i);

			n = g.n;
			if (json_array_append_new(runs, cell_tree(r, &r->results[k], &g)))
				incomplete = true;
		}
	if (!incomplete)
		return runs;
	json_decref(runs);
	return NULL;
}

int sim_report_json(const struct sim_report *r, const char *path)
{
	json_t *root, *runs = sim_report_runs(r);

	if (json_array_size(runs) == 1) {
		root = json_incref(json_array_get(runs, 0));
		json_decref(runs);
		return sim_json_write(root, path);
	}
	root = json_object();
	set_count(root, "schema", REPORT_SCHEMA);
	set(root, "mode", json_string("sim"));
	set(root, "runs", runs);
	return sim_json_write(root, path);
}
