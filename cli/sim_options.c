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

#define SIZES_MAX 4096
#define PAGE_SIZE_MIN 512u
#define PAGE_SIZE_MAX (1u << 30)

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
		.config_name = "sim",
	};
	o->jobs = sweep_jobs_default();
}

void sim_options_destroy(struct sim_options *o)
{
	for (uint32_t i = 0; i < o->n_policies; i++)
		free(o->policies[i].spec);
	free(o->policies);
	free(o->sizes);
}

/* --- memory sizes ------------------------------------------------------------------------------------------------ */

static int sizes_set(struct sim_options *o, const char *option, char letter, const char *value)
{
	if (o->size_letter && o->size_letter != letter) {
		complain(option, "Give one of -f, -r and -m.", "the memory was given already");
		return -EINVAL;
	}
	o->size_letter = letter;
	o->sizes_text = value;
	return 0;
}

int sim_parse_frames(void *target, const char *option, const char *value)
{
	return sizes_set(target, option, 'f', value);
}

int sim_parse_ram(void *target, const char *option, const char *value)
{
	return sizes_set(target, option, 'r', value);
}

int sim_parse_memory(void *target, const char *option, const char *value)
{
	return sizes_set(target, option, 'm', value);
}

/* One word of the list, as frames. Complains itself. */
static int size_parse(const struct sim_options *o, const char *word, uint32_t *frames)
{
	const char option[] = { '-', o->size_letter, 0 };
	uint64_t n;
	int err = o->size_letter == 'm' ? parse_size(word, &n) : parse_count(word, &n);

	if (!err && o->size_letter == 'r')
		err = n > UINT64_MAX >> 20 ? -ERANGE : 0;
	if (err) {
		complain(option,
			 o->size_letter == 'm' ? "Sizes are written like 65536K, 64M or 1G." : NULL,
			 "'%s' is not a %s%s", word, o->size_letter == 'm' ? "size" : "number",
			 err == -ERANGE ? " that fits" : "");
		return -EINVAL;
	}
	if (o->size_letter == 'r')
		n <<= 20;
	if (o->size_letter != 'f')
		n /= o->page_size;
	if (!n) {
		complain(option, "Give at least one frame.", "'%s' is 0 frames", word);
		return -EINVAL;
	}
	if (n > REPLAY_PAGES_MAX) {
		complain(option, NULL, "'%s' is more memory than can be simulated", word);
		return -EINVAL;
	}
	*frames = (uint32_t)n;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int sizes_parse(struct sim_options *o)
{
	const char *p = o->sizes_text;
	char word[64];
	size_t n;

	o->sizes = calloc(SIZES_MAX, sizeof(*o->sizes));
	if (!o->sizes)
		return -ENOMEM;
	for (;; p += n + 1) {
		n = strcspn(p, ",");
		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		if (o->n_sizes == SIZES_MAX) {
			complain("-f", NULL, "more than %d sizes", SIZES_MAX);
			return -EINVAL;
		}
		if (size_parse(o, word, &o->sizes[o->n_sizes]))
			return -EINVAL;
		o->n_sizes++;
		if (!p[n])
			break;
	}
	qsort(o->sizes, o->n_sizes, sizeof(*o->sizes), by_size);
	n = 1;
	for (uint32_t i = 1; i < o->n_sizes; i++)
		if (o->sizes[i] != o->sizes[n - 1])
			o->sizes[n++] = o->sizes[i];
	o->n_sizes = (uint32_t)n;
	return 0;
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
	if (!err && !replay_can(p->ops)) {
		complain(p->ops->name, "`vmm policies` lists the others.",
			 "the simulator does not replay policies of variable allocation yet");
		return -ENOTSUP;
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

static int page_size_check(const struct sim_options *o)
{
	if (o->page_size >= PAGE_SIZE_MIN && o->page_size <= PAGE_SIZE_MAX &&
	    !(o->page_size & (o->page_size - 1)))
		return 0;
	complain("-p", "Give a power of two from 512 to 1G, such as 4K or 2M.",
		 "%" PRIu64 " bytes is no page size", o->page_size);
	return -EINVAL;
}

static int output_check(const char *path)
{
	int err = path ? output_probe(path) : 0;

	if (err)
		complain(path, NULL, "the report cannot be written: %s", strerror(-err));
	return err;
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
	if (!o->jobs || o->jobs > 1024) {
		complain("--jobs", NULL, "%" PRIu64 ": from 1 to 1024 threads", o->jobs);
		return -EINVAL;
	}
	err = page_size_check(o);
	if (!err && o->size_letter)
		err = sizes_parse(o);
	if (!err)
		err = policies_parse(o, o->policies_text);
	if (err == -ENOMEM)
		complain(command, NULL, "out of memory");
	if (err || warmup_parse(o) || sample_parse(o) || output_check(o->json) ||
	    output_check(o->csv) || output_check(o->output))
		return -EINVAL;
	return 0;
}
