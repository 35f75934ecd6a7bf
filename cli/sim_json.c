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

/* The counters that a replay of references has. */
static const char *const counted[] = {
	"accesses",        "reads",        "writes",       "faults",
	"faults_zero",     "faults_major", "evictions",    "evictions_clean",
	"evictions_dirty", "store_reads",  "store_writes", "resident_peak_frames",
	"footprint_pages",
};

static json_t *counters(const struct sim_cell *c)
{
	uint32_t n = sim_cell_complete(c) ? sizeof(counted) / sizeof(counted[0]) : 4;
	json_t *object = json_object();

	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < vm_stat_count; i++)
			if (!strcmp(vm_stat_list[i].name, counted[k]))
				set_count(object, counted[k],
					  vm_stat_get(&c->stats, &vm_stat_list[i]));
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
	if (res->sha256[0])
		set(object, "trace_sha256", json_string(res->sha256));
	if (!uname(&system))
		set(object, "kernel", report_text_json(system.release));
	set(object, "cpu", report_cpu_json());
	return object;
}

static json_t *cell_tree(const struct sim_report *r, const struct sim_cell *c)
{
	const struct sweep_totals *t = &r->result->totals;
	const struct sim_options *o = r->options;
	uint64_t base = o->tlb_ns + o->mem_ns;
	json_t *root = json_object();

	set_count(root, "schema", REPORT_SCHEMA);
	set(root, "mode", json_string("sim"));
	set(root, "config", report_text_json(o->config_name));
	set(root, "policy", json_string(sim_policy_name(c->policy)));
	set(root, "policy_params", params(c->policy));
	set(root, "fidelity", json_string("exact"));
	set(root, "approximate", json_false());
	set(root, "provenance", sim_provenance(o, r->result, r->argv));
	set_count(root, "frames", c->frames);
	set_count(root, "page_size", o->page_size);
	set(root, "elapsed_s", json_real(r->result->elapsed_s));
	set_count(root, "warmup", t->warmup);
	set(root, "counters", counters(c));
	set_count(root, "faults_cold", t->pages_cold);
	set(root, "miss_ratio",
	    json_real(c->stats.accesses ? (double)c->stats.faults / (double)c->stats.accesses : 0));
	set_count(root, "trace_pages", t->pages);
	if (sim_cell_complete(c)) {
		set(root, "amt_ns", json_real(sim_amt_ns(o, &c->stats)));
		set(root, "slowdown",
		    json_real(sim_amt_ns(o, &c->stats) / (double)(base ? base : 1)));
		set(root, "slowdown_base", json_string("timing model"));
		set(root, "replay_cpu_s", json_real((double)c->cpu_ns / 1e9));
	}
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

int sim_report_json(const struct sim_report *r, const char *path)
{
	json_t *root, *runs;

	incomplete = false;
	if (r->result->n_cells == 1)
		return sim_json_write(cell_tree(r, &r->result->cells[0]), path);
	root = json_object();
	runs = json_array();
	set_count(root, "schema", REPORT_SCHEMA);
	set(root, "mode", json_string("sim"));
	for (uint32_t i = 0; i < r->result->n_cells; i++)
		if (json_array_append_new(runs, cell_tree(r, &r->result->cells[i])))
			incomplete = true;
	set(root, "runs", runs);
	return sim_json_write(root, path);
}
