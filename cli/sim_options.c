/* SPDX-License-Identifier: Apache-2.0 */
/* sim_options.c - the options that `vmm sim` and `vmm mrc` share (sim_options.h). */
#include "cli/sim_options.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/policy_load.h"
#include "cli/policy_text.h"
#include "core/replay/replay.h"
#include "core/replay/sweep.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_options_init(struct sim_options *o)
{
	*o = (struct sim_options){
		.page_size = 4096,
		.seed = 1,
		.tlb_ns = 1,
		.mem_ns = 100,
		.fault_us = 1000,
		.swap_us = 5000,
		.points = 64,
		.salts = 8,
		.seeds = 1,
		.repeat = 1,
		.config_name = "sim",
	};
	o->jobs = sweep_jobs_default();
}

void sim_options_destroy(struct sim_options *o)
{
	for (uint32_t i = 0; i < o->n_policies; i++)
		free(o->policies[i].spec);
	free(o->policies);
	for (uint32_t i = 0; i < o->n_tables; i++)
		free(o->tables[i]);
	free(o->budgets);
	free(o->given);
	free(o->sizes);
}

/* --- policies ---------------------------------------------------------------------------------------------------- */

static void policy_bad(const char *spec, const char *bad)
{
	int n = (int)strcspn(spec, ":");
	char what[64], todo[96];

	snprintf(what, sizeof(what), "policy '%.*s'", n > 40 ? 40 : n, spec);
	snprintf(todo, sizeof(todo), "`vmm policies %.*s` shows its parameters.", n > 40 ? 40 : n,
		 spec);
	complain(what, todo, "'%s': no such parameter, or not a value that it takes",
		 bad ? bad : "");
}

static int policy_add(struct sim_options *o, const char *text, size_t n)
{
	struct sim_policy *p = realloc(o->policies, (o->n_policies + 1) * sizeof(*p));
	const char *bad = "";
	int err;

	if (!p)
		return -ENOMEM;
	o->policies = p;
	p += o->n_policies;
	memset(p, 0, sizeof(*p));
	p->spec = strndup(text, n);
	if (!p->spec)
		return -ENOMEM;
	o->n_policies++;
	if (policy_spec_load(&p->spec))
		return -EINVAL;
	err = policy_parse(p->spec, &p->ops, p->values, &bad);
	if (!err && !strcmp(p->ops->name, "opt")) {
		p->opt = true; /* core/replay/opt.h */
		return 0;
	}
	if (err == -ENOENT)
		policy_unknown(p->spec);
	else if (err)
		policy_bad(p->spec, bad);
	return err;
}

/* The end of the policy that starts at p: a word with '=' but without ':' is one more parameter of it. */
static size_t policy_length(const char *p)
{
	size_t n = strcspn(p, ",");

	while (p[n]) {
		size_t k = strcspn(p + n + 1, ",:=");

		if (p[n + 1 + k] != '=')
			break;
		n += 1 + strcspn(p + n + 1, ",");
	}
	return n;
}

static int policies_parse(struct sim_options *o, const char *text)
{
	for (;;) {
		size_t n = policy_length(text);
		int err = policy_add(o, text, n);

		if (err || !text[n])
			return err;
		text += n + 1;
	}
}

bool sim_policy_needs_full(const struct sim_policy *p)
{
	return !p->opt && !replay_can(p->ops);
}

void sim_policy_short(const struct sim_policy *policy, char *text, size_t bytes)
{
	const struct policy_param *params = policy->ops->params;
	size_t n = (size_t)snprintf(text, bytes, "%s", sim_policy_name(policy));
	char mark = ':';

	for (int i = 0; params && params[i].name && n < bytes; i++) {
		if (policy->values[i] == params[i].value_default)
			continue;
		n += (size_t)snprintf(text + n, bytes - n, "%c%s=%" PRIu64, mark, params[i].name,
				      policy->values[i]);
		mark = ',';
	}
}

const char *sim_policy_name(const struct sim_policy *policy)
{
	return policy->opt ? "opt" : policy->ops->name;
}

void sim_policy_params(const struct sim_policy *policy, char *text, size_t bytes)
{
	const struct policy_param *params = policy->opt ? NULL : policy->ops->params;
	size_t n = 0;

	text[0] = 0;
	for (int i = 0; params && params[i].name && n < bytes; i++)
		n += (size_t)snprintf(text + n, bytes - n, "%s%s=%" PRIu64, i ? ";" : "",
				      params[i].name, policy->values[i]);
}

/* --- the rest ---------------------------------------------------------------------------------------------------- */

static int warmup_parse(struct sim_options *o)
{
	const char *text = o->warmup_text;
	char *end;

	if (!text || !parse_count(text, &o->warmup))
		return 0;
	errno = 0;
	o->warmup_percent = strtod(text, &end);
	if (isdigit((unsigned char)*text) && !strcmp(end, "%") && !errno && o->warmup_percent < 100)
		return 0;
	complain("--warmup", "Write --warmup 100000 or --warmup 10%.",
		 "'%s' is neither a number of references nor a percentage below 100", text);
	return -EINVAL;
}

static int sample_parse(struct sim_options *o)
{
	const char *text = o->sample_text;
	char *end;

	if (!text)
		return 0;
	o->sample_rate = 1;
	if (!parse_count(text, &o->sample_pages) && o->sample_pages > 1 &&
	    o->sample_pages < UINT32_MAX)
		return 0;
	o->sample_pages = 0;
	errno = 0;
	o->sample_rate = strtod(text, &end);
	if (isdigit((unsigned char)*text) && !*end && !errno && o->sample_rate > 0 &&
	    o->sample_rate <= 1)
		return 0;
	complain("--sample",
		 "Write --sample 0.01 for a hundredth of the pages, --sample 8192 for 8192 pages.",
		 "'%s' is neither a share of the pages nor a number of pages", text);
	return -EINVAL;
}

static int output_check(const char *path)
{
	int err = path ? output_probe(path) : 0;

	if (err)
		complain(path, NULL, "the report cannot be written: %s", strerror(-err));
	return err;
}

static int one_of(const char *option, const char *text, const char *const *names)
{
	char todo[128] = "There are:";
	const char *near = nearest_name(text, names);

	for (int i = 0; names[i]; i++) {
		if (!strcasecmp(names[i], text))
			return i;
		snprintf(todo + strlen(todo), sizeof(todo) - strlen(todo), " %s", names[i]);
	}
	if (near)
		snprintf(todo, sizeof(todo), "Did you mean %s?", near);
	complain(option, todo, "there is no '%s'", text);
	return -EINVAL;
}

static int tables_parse(struct sim_options *o)
{
	static const char *const names[] = { "single", "two",    "three",    "four",
					     "five",   "hashed", "inverted", NULL };
	const char *p = o->tables_text;

	for (size_t n; p; p = p[n] ? p + n + 1 : NULL) {
		char word[32];

		n = strcspn(p, ",");
		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		if (one_of("--pt", word, names) < 0)
			return -EINVAL;
		if (o->n_tables == SIM_TABLES_MAX) {
			complain("--pt", NULL, "more than %d page tables", SIM_TABLES_MAX);
			return -EINVAL;
		}
		o->tables[o->n_tables] = strdup(word);
		if (!o->tables[o->n_tables++])
			return -ENOMEM;
	}
	return 0;
}

static int interval_parse(struct sim_options *o)
{
	const char *text = o->interval_text;
	double seconds;
	char *end;

	if (!text || (!parse_count(text, &o->interval) && o->interval))
		return 0;
	o->interval = 0;
	seconds = strtod(text, &end);
	if (isdigit((unsigned char)*text) && !strcmp(end, "s") && seconds * 1e9 >= 1 &&
	    seconds < 1e9) {
		o->interval_ns = (uint64_t)(seconds * 1e9 + 0.5);
		return 0;
	}
	complain("--interval", "Write --interval 100000, or --interval 0.5s of the trace's time.",
		 "'%s' is no number of references above 0, nor of seconds", text);
	return -EINVAL;
}

static int counts_check(const struct sim_options *o)
{
	if (!o->jobs || o->jobs > 1024) {
		complain("--jobs", NULL, "%" PRIu64 ": from 1 to 1024 threads", o->jobs);
		return -EINVAL;
	}
	if (!o->seeds || o->seeds > 10000) {
		complain("--seeds", NULL, "%" PRIu64 ": from 1 to 10000", o->seeds);
		return -EINVAL;
	}
	if (!o->repeat || o->repeat > 1000) {
		complain("--repeat", NULL, "%" PRIu64 ": from 1 to 1000 times", o->repeat);
		return -EINVAL;
	}
	if (o->n_budgets && !o->local) {
		complain("--budget", "Give --allocation local.",
			 "all processes share one pool of frames");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < o->n_policies && o->prefetch; i++)
		if (o->policies[i].ops->class == POLICY_X) {
			complain(
				"--prefetch", "Leave out one of the two.",
				"%s must know the next use of a page, which nobody knows of one that is prefetched",
				o->policies[i].ops->name);
			return -EINVAL;
		}
	if (o->walk_cache && !o->n_tables) {
		complain("--walk-cache", "Give --pt as well.", "no page table is simulated");
		return -EINVAL;
	}
	return 0;
}

/* What is off needs no full model. */
static void off_forget(const char **option)
{
	if (*option && !strcasecmp(*option, "off"))
		*option = NULL;
}

static int model_parse(struct sim_options *o)
{
	static const char *const allocations[] = { "global", "local", NULL };
	int err = tables_parse(o), which;

	off_forget(&o->large);
	off_forget(&o->prefetch);

	if (!err && o->allocation_text) {
		which = one_of("--allocation", o->allocation_text, allocations);
		o->local = which == 1;
		err = which < 0 ? which : 0;
	}
	return err ? err : counts_check(o);
}

bool sim_options_full(const struct sim_options *o)
{
	bool full = o->full || o->n_tables || o->tlb || o->numa || o->large || o->prefetch ||
		    o->swap_mib || o->local || o->probation;

	for (uint32_t i = 0; i < o->n_policies && !full; i++)
		full = sim_policy_needs_full(&o->policies[i]);
	return full;
}

int sim_options_check(struct sim_options *o, const char *command, bool sizes_needed)
{
	char todo[96];
	int err;

	snprintf(todo, sizeof(todo), "`vmm help %s` lists the options.", command);
	if (!o->trace) {
		complain(command, todo, "no trace was given: -t TRACE");
		return -EINVAL;
	}
	if (sizes_needed && !o->size_letter) {
		complain(command, todo, "no memory was given: -f FRAMES, -r MB or -m SIZE");
		return -EINVAL;
	}
	err = sim_sizes_parse(o);
	if (!err)
		err = policies_parse(o, o->policies_text);
	if (!err)
		err = model_parse(o);
	if (err == -ENOMEM)
		complain(command, NULL, "out of memory");
	if (err || warmup_parse(o) || sample_parse(o) || interval_parse(o) ||
	    output_check(o->json) || output_check(o->csv) || output_check(o->html) ||
	    output_check(o->output))
		return -EINVAL;
	return 0;
}
