/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_json.c - the JSON report (schema 1). A key that does not apply to the run is absent, never 0.
 *
 * jansson takes ownership of every value it is given, also when it fails; a NULL object makes the calls that use it
 * fail. So the builders below do not check each step: json_dumps of an incomplete tree cannot happen, because
 * memory is the only thing that can fail and `set` notes it.
 */
#include "cli/report.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/record_report.h"
#include "pager/hist.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define PAGE_BYTES 4096

static bool incomplete;

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		incomplete = true;
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		incomplete = true;
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
	set(object, key, json_integer((json_int_t)value));
}

/* Text of n bytes that may not be UTF-8 (arguments, program names): other bytes are written \xNN. */
static json_t *text_n(const char *text, size_t n)
{
	json_t *string = json_stringn(text, n);
	char *escaped, *out;

	if (string)
		return string;
	out = escaped = malloc(4 * n + 1);
	if (!escaped)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		out += sprintf(out, c < 128 ? "%c" : "\\x%02x", c);
	}
	string = json_string(escaped);
	free(escaped);
	return string;
}

static json_t *text(const char *string)
{
	return text_n(string, strlen(string));
}

json_t *report_text_json(const char *string)
{
	return text(string);
}

static json_t *counters(const struct report *r, const struct vm_stats *stats)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (report_counter_applies(r, &vm_stat_list[i]))
			set_count(object, vm_stat_list[i].name,
				  vm_stat_get(stats, &vm_stat_list[i]));
	return object;
}

static json_t *policy_params(const struct report *r)
{
	const struct policy_param *params = r->policy->params;
	json_t *object = json_object();

	for (int i = 0; params && params[i].name; i++)
		set_count(object, params[i].name, r->values[i]);
	return object;
}

json_t *report_cpu_json(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], model[200] = "unknown";

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "model name : %199[^\n]", model) == 1)
			break;
	if (file)
		fclose(file);
	return text(model);
}

static json_t *regions(const struct run_config *config)
{
	char list[96] = "";

	if (config->regions & REGION_HEAP)
		strcat(list, ",heap");
	if (config->regions & REGION_ANON)
		strcat(list, ",anon");
	if (config->regions & REGION_ANON && config->anon_min_bytes)
		snprintf(list + strlen(list), 32, ">=%" PRIu64, config->anon_min_bytes);
	if (config->regions & REGION_STACK)
		strcat(list, ",stack");
	return text(list + 1);
}

static json_t *provenance(const struct report *r)
{
	json_t *object = json_object(), *command = json_array();
	struct utsname system;

	for (char **arg = r->config->argv; *arg; arg++)
		append(command, text(*arg));
	set(object, "version", json_string(vmm_version));
	set(object, "commit", json_string(vmm_commit));
	set(object, "command", command);
	set_count(object, "seed", r->result->seed);
	if (!uname(&system))
		set(object, "kernel", text(system.release));
	set(object, "cpu", report_cpu_json());
	set(object, "store", text(r->config->store));
	if (r->config->prefetch)
		set(object, "prefetch", text(r->config->prefetch));
	if (r->class == POLICY_T)
		set_count(object, "window", r->result->window);
	set_count(object, "batch", r->result->batch);
	set(object, "regions", regions(r->config));
	return object;
}

static json_t *latency(const struct run_result *res)
{
	json_t *object = json_object();

	set_count(object, "mean", res->latency_sum_ns / res->latency_count);
	set_count(object, "p50", hist_percentile(res->latency_hist, 50));
	set_count(object, "p99", hist_percentile(res->latency_hist, 99));
	set_count(object, "max", res->latency_max_ns);
	return object;
}

static json_t *audit(const struct run_result *res)
{
	json_t *object = json_object();

	set_count(object, "checks", res->audits);
	set_count(object, "violations", res->audit_violations);
	set_count(object, "peak_frames", res->audit_peak_frames);
	if (res->audit_cow_checks)
		set_count(object, "cow_frames", res->audit_cow_frames);
	return object;
}

static json_t *processes(const struct report *r)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < r->result->processes && i < RUN_PROCESSES_MAX; i++) {
		const struct run_process *p = &r->result->process[i];
		json_t *object = json_object();

		set(object, "pid", json_integer(p->pid));
		set(object, "comm", text_n(p->comm, strnlen(p->comm, sizeof(p->comm))));
		set(object, "paged", json_boolean(p->paged));
		set(object, "reason", text_n(p->reason, strnlen(p->reason, sizeof(p->reason))));
		if (p->paged)
			set(object, "counters", counters(r, &p->stats));
		append(array, object);
	}
	return array;
}

static json_t *mappings(const struct run_result *res)
{
	json_t *array = json_array();
	char range[40];

	for (uint32_t i = 0; i < res->mappings && i < RUN_MAPPINGS_MAX; i++) {
		const struct run_mapping *m = &res->mapping[i];
		json_t *object = json_object();

		snprintf(range, sizeof(range), "%" PRIx64 "-%" PRIx64, m->start, m->end);
		set(object, "range", json_string(range));
		set(object, "name", text_n(m->name, strnlen(m->name, sizeof(m->name))));
		set_count(object, "faults", m->faults);
		append(array, object);
	}
	return array;
}

static json_t *threads(const struct run_result *res)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < res->threads && i < RUN_THREADS_MAX; i++) {
		json_t *object = json_object();

		set(object, "pid", json_integer(res->thread[i].pid));
		set(object, "tid", json_integer(res->thread[i].tid));
		set_count(object, "faults", res->thread[i].faults);
		append(array, object);
	}
	return array;
}

static json_t *messages(const struct run_result *res)
{
	json_t *array = json_array();
	const char *line, *end;

	for (line = res->messages; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (end > line)
			append(array, text_n(line, (size_t)(end - line)));
	}
	return array;
}

static json_t *exit_status(const struct run_result *res)
{
	json_t *object = json_object();

	set(object, "code", json_integer(res->signal ? 0 : res->exit_code));
	set(object, "signal", json_integer(res->signal));
	return object;
}

/* The counts from each mark to the next; what is a peak is that of the run so far. */
static json_t *phases(const struct report *r)
{
	const struct run_result *res = r->result;
	json_t *array = json_array();

	for (uint32_t i = 0; i < res->marks; i++) {
		const struct run_mark *m = &res->mark[i], *end = i + 1 < res->marks ? m + 1 : NULL;
		struct vm_stats counts = end ? end->stats : res->stats;
		json_t *object = json_object();

		for (uint32_t k = 0; k < vm_stat_count; k++)
			if (!vm_stat_is_peak(&vm_stat_list[k]))
				*(uint64_t *)((char *)&counts + vm_stat_list[k].offset) -=
					vm_stat_get(&m->stats, &vm_stat_list[k]);
		set(object, "name", text(m->name));
		set(object, "start_s", json_real(m->elapsed_s));
		set(object, "end_s", json_real(end ? end->elapsed_s : res->elapsed_s));
		set(object, "counters", counters(r, &counts));
		append(array, object);
	}
	return array;
}

json_t *report_json_tree(const struct report *r)
{
	const struct run_result *res = r->result;
	json_t *root = json_object();

	incomplete = false;
	set_count(root, "schema", REPORT_SCHEMA);
	set(root, "mode", json_string("live"));
	set(root, "policy", json_string(r->policy->name));
	set(root, "policy_params", policy_params(r));
	set(root, "fidelity", json_string(report_fidelity(r)));
	set(root, "approximate", json_boolean(r->class == POLICY_T));
	set(root, "provenance", provenance(r));
	if (r->config->frames)
		set_count(root, "frames", r->config->frames);
	set_count(root, "page_size", PAGE_BYTES);
	set(root, "elapsed_s", json_real(res->elapsed_s));
	set(root, "exit", exit_status(res));
	set(root, "counters", counters(r, &res->stats));
	if (res->latency_count)
		set(root, "latency_ns", latency(res));
	if (r->config->audit)
		set(root, "audit", audit(res));
	if (r->config->checksum)
		set_count(root, "checksums", res->checksums);
	if (r->config->record)
		set(root, "trace", record_report_json(r));
	set_count(root, "store_peak_bytes", res->store.memory_bytes_peak);
	set(root, "store", report_store_json(r));
	if (res->unmanaged_samples)
		set_count(root, "unmanaged_bytes", res->unmanaged_bytes);
	set_count(root, "processes_total", res->processes_total);
	set_count(root, "processes_running", res->processes_running);
	if (res->marks)
		set(root, "phases", phases(r));
	set(root, "processes", processes(r));
	set(root, "mappings", mappings(res));
	set(root, "threads", threads(res));
	set(root, "messages", messages(res));
	if (res->fatal[0])
		set(root, "fatal", text(res->fatal));
	if (incomplete) {
		json_decref(root);
		return NULL;
	}
	return root;
}

int report_json_probe(const char *path)
{
	return output_probe(path);
}

static int json_write(FILE *file, const void *tree)
{
	if (json_dumpf(tree, file, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) ||
	    fputc('\n', file) == EOF)
		return errno ? -errno : -EIO;
	return 0;
}

int report_json(const struct report *report, const char *path)
{
	json_t *tree = report_json_tree(report);
	int err = tree ? output_write(path, json_write, tree) : -ENOMEM;

	json_decref(tree);
	return err;
}
