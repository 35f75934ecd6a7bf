/* SPDX-License-Identifier: Apache-2.0 */
/* run_options.c - the options of `vmm run` (run_options.h). */
#include "cli/run_options.h"
#include "cli/cli.h"
#include "cli/policy_load.h"
#include "cli/policy_text.h"
#include "core/prefetch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096ull
#define LATENCY_US_MAX 10000000u
#define FRAMES_MAX (UINT32_MAX - 1ull) /* frame numbers have 32 bits */

static const char later[] = "not available in this version";

/* --- values that are more than a number ------------------------------------------------------------------------- */

/* `option` is a string constant. */
static int memory_set(struct run_options *o, const char *option, const char *value, uint64_t frames)
{
	if (o->frames_option && strcmp(o->frames_option, option)) {
		complain(option, "Give one of -f, -r and -m.", "the memory was given already");
		return -EINVAL;
	}
	if (frames > FRAMES_MAX) {
		complain(option, NULL, "'%s' is more memory than a run can have", value);
		return -EINVAL;
	}
	if (!frames) {
		complain(option, "Without -f, -r and -m there is no limit.",
			 "'%s' is 0 frames: no program can run in them", value);
		return -EINVAL;
	}
	o->config.frames = frames;
	o->frames_option = option;
	return 0;
}

static int parse_number(const char *option, const char *value, uint64_t *number)
{
	int err = parse_count(value, number);

	if (err)
		complain(option, NULL, "'%s' is not a number%s", value,
			 err == -ERANGE ? " that fits" : "");
	return err;
}

static int parse_frames(void *target, const char *option, const char *value)
{
	uint64_t n;

	return parse_number(option, value, &n) ? -EINVAL : memory_set(target, "-f", value, n);
}

static int parse_ram(void *target, const char *option, const char *value)
{
	uint64_t n;

	if (parse_number(option, value, &n))
		return -EINVAL;
	return memory_set(target, "-r", value, n > FRAMES_MAX ? n : n << 20 >> 12);
}

static int parse_memory(void *target, const char *option, const char *value)
{
	uint64_t bytes;

	if (parse_size(value, &bytes)) {
		complain(option, "Sizes are written like 65536K, 64M or 1G.", "'%s' is not a size",
			 value);
		return -EINVAL;
	}
	return memory_set(target, "-m", value, bytes / PAGE_BYTES);
}

static int parse_region(struct run_options *o, const char *option, const char *word)
{
	struct run_config *c = &o->config;

	if (!strcmp(word, "heap")) {
		c->regions |= REGION_HEAP;
	} else if (!strcmp(word, "anon")) {
		c->regions |= REGION_ANON;
	} else if (!strncmp(word, "anon>=", 6)) {
		c->regions |= REGION_ANON;
		if (parse_size(word + 6, &c->anon_min_bytes)) {
			complain(option, "Write for example 'anon>=1M'.", "'%s' is not a size",
				 word + 6);
			return -EINVAL;
		}
	} else if (!strcmp(word, "stack")) {
		c->regions |= REGION_STACK;
	} else if (!strcmp(word, "all")) {
		c->regions |= REGION_HEAP | REGION_ANON | REGION_STACK;
	} else if (!strcmp(word, "file") || !strcmp(word, "shm")) {
		complain(option, "Choose among heap, anon, anon>=SIZE, stack, all.", "'%s' is %s",
			 word, later);
		return -EINVAL;
	} else {
		complain(option, "Choose among heap, anon, anon>=SIZE, stack, all.",
			 "'%s' is not a kind of region", word);
		return -EINVAL;
	}
	return 0;
}

static int parse_regions(void *target, const char *option, const char *value)
{
	struct run_options *o = target;
	char word[64];
	size_t n;

	o->config.regions = 0;
	o->config.anon_min_bytes = 0;
	for (;; value += n + 1) {
		n = strcspn(value, ",");
		snprintf(word, sizeof(word), "%.*s", (int)n, value);
		if (parse_region(o, option, word))
			return -EINVAL;
		if (!value[n])
			return 0;
	}
}

static int parse_store(void *target, const char *option, const char *value)
{
	static const char choose[] = "Choose among mem, lz4, file:PATH.";
	struct run_options *o = target;
	char name[32], todo[96];
	const char *near;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(value, ":"), value);
	switch (pager_store_check(value)) {
	case 0:
		o->config.store = value;
		return 0;
	case -ENOTSUP:
		complain(option, "Build vmm where its library is: `make install-deps`.",
			 "%s is not built in", name);
		break;
	case -EINVAL:
		if (!strcmp(name, "file"))
			complain(
				option, "Write for example --store file:/var/tmp.",
				"file needs the path of a directory, a new file or a block device");
		else
			complain(option, choose, "%s takes no argument", name);
		break;
	default:
		near = nearest_name(name, store_names);
		snprintf(todo, sizeof(todo), "Did you mean %s? %s", near ? near : "", choose);
		complain(option, near ? todo : choose, "'%s' is not a store", name);
	}
	return -EINVAL;
}

/* --- the table --------------------------------------------------------------------------------------------------- */

#define AT(field) .offset = offsetof(struct run_options, field)

const struct option_spec run_option_table[] = {
	{ 'f', "frames", OPTION_CALL, "N", "memory of each address space, in frames of 4 KiB",
	  .parse = parse_frames },
	{ 'r', "ram", OPTION_CALL, "MB", "the same, in MiB", .parse = parse_ram },
	{ 'm', "memory", OPTION_CALL, "SIZE",
	  "the same, as 64M or 1G; without any of them: no limit", .parse = parse_memory },
	{ 'a', "algorithm", OPTION_STRING, "NAME[:key=value,...]",
	  "replacement policy (clock); `vmm policies` lists them", AT(config.policy) },
	{ 0, "seed", OPTION_COUNT, "N", "seed of every random choice (1)", AT(config.seed) },
	{ 0, "exact", OPTION_FLAG, NULL, "decide and evict at the fault that needs it, no batches",
	  AT(config.exact) },
	{ 0, "window", OPTION_COUNT, "K",
	  "for policies that need every touch: most pages mapped at\nonce (frames/8, at least 64); at most half of the frames",
	  AT(window), .max = UINT32_MAX },
	{ 0, "prefetch", OPTION_STRING, "off|seq[:N]|stride[:N]|trend",
	  "read ahead what a fault suggests (off); N: so many pages (8)", AT(config.prefetch) },
	{ 0, "regions", OPTION_CALL, "LIST",
	  "what is paged, of heap, anon, anon>=SIZE, stack, all\n(heap,anon)",
	  .parse = parse_regions },
	{ 0, "store", OPTION_CALL, "mem|lz4|file:PATH",
	  "where evicted pages go: memory, compressed memory, or a\nfile without a name, in a directory (mem)",
	  .parse = parse_store },
	{ 0, "store-limit", OPTION_SIZE, "SIZE",
	  "stop the run when the store takes more memory (half of the\navailable memory)",
	  AT(config.store_limit_bytes) },
	{ 0, "latency-us", OPTION_COUNT, "N",
	  "emulate a slower store: each read and write takes at least\nN us", AT(config.latency_us),
	  .max = LATENCY_US_MAX },
	{ 0, "audit", OPTION_FLAG, NULL, "compare with the kernel's own count of frames",
	  AT(config.audit) },
	{ 0, "checksum", OPTION_FLAG, NULL, "verify every page's content when it comes back",
	  AT(config.checksum) },
	{ 0, "timeout", OPTION_COUNT, "S", "kill the run after S seconds", AT(timeout_s),
	  .max = INT32_MAX },
	{ 0, "json", OPTION_STRING, "FILE", "write the report as JSON; - is stdout", AT(json) },
	{ 'q', "quiet", OPTION_FLAG, NULL, "no report on stderr", AT(quiet) },
	{ 'v', "verbose", OPTION_FLAG, NULL, "say what the pager does", AT(config.verbose) },
	{ .name = NULL },
};

/* --- checks ------------------------------------------------------------------------------------------------------ */

void run_options_init(struct run_options *o)
{
	*o = (struct run_options){
		.config = { .policy = "clock",
			    .store = "mem",
			    .seed = 1,
			    .regions = REGION_HEAP | REGION_ANON },
	};
}

static int check_policy(struct run_options *o)
{
	const char *bad = "";
	char what[64], todo[96];
	char *spec = strdup(o->config.policy); /* lives as long as the run */
	int err;

	if (!spec) {
		complain("-a", NULL, "out of memory");
		return -EINVAL;
	}
	if (policy_spec_load(&spec)) {
		free(spec);
		return -EINVAL;
	}
	o->config.policy = spec;
	err = policy_parse(o->config.policy, &o->policy, o->values, &bad);
	if (err == -ENOENT) {
		policy_unknown(o->config.policy);
		return -EINVAL;
	}
	if (err) {
		int n = (int)strcspn(o->config.policy, ":");

		snprintf(what, sizeof(what), "policy '%.*s'", n > 40 ? 40 : n, o->config.policy);
		snprintf(todo, sizeof(todo), "`vmm policies %.*s` shows its parameters.",
			 n > 40 ? 40 : n, o->config.policy);
		complain(what, todo, "'%s': no such parameter, or not a value that it takes",
			 bad ? bad : "");
		return -EINVAL;
	}
	o->class = o->policy->class_of ? o->policy->class_of(o->values) : o->policy->class;
	if (o->class == POLICY_X) {
		policy_needs_future(o->policy->name);
		return -EINVAL;
	}
	return 0;
}

static int check_frames(const struct run_options *o)
{
	char todo[96];

	if (!o->frames_option || o->config.frames >= RUN_FRAMES_MIN)
		return 0;
	snprintf(todo, sizeof(todo), "The least is %d frames (%d KiB): 32, and 8 for each thread.",
		 RUN_FRAMES_MIN, RUN_FRAMES_MIN * 4);
	complain(o->frames_option, todo,
		 "%" PRIu64 " frame%s too few for a program to make progress", o->config.frames,
		 o->config.frames == 1 ? " is" : "s are");
	return -EINVAL;
}

static int check_window(struct run_options *o)
{
	uint64_t half = o->config.frames / 2, window = o->config.frames / 8;
	char todo[96];

	if (o->class != POLICY_T) /* it sees what it needs without one */
		return 0;
	if (!o->config.frames) {
		o->config.window = (uint32_t)o->window;
		return 0;
	}
	if (o->window > half) {
		snprintf(todo, sizeof(todo),
			 "With %" PRIu64 " frames give at most --window %" PRIu64 ".",
			 o->config.frames, half);
		complain("--window", todo,
			 "%s would not see what happens in more than half of its frames",
			 o->policy->name);
		return -EINVAL;
	}
	if (window < 64)
		window = half < 64 ? half : 64;
	o->config.window = (uint32_t)(o->window ? o->window : window);
	return 0;
}

static int check_prefetch(const struct run_options *o)
{
	struct prefetch_config c;
	const char *bad, *spec = o->config.prefetch;

	if (!spec || !strcmp(spec, "off") || !prefetch_parse(spec, &c, &bad))
		return 0;
	complain("--prefetch", "There are off, seq[:N], stride[:N] and trend, with N up to 64.",
		 "'%s' is not understood", spec);
	return -EINVAL;
}

int run_options_check(struct run_options *o)
{
	o->config.timeout_s = (uint32_t)o->timeout_s;
	if (check_policy(o) || check_frames(o) || check_window(o) || check_prefetch(o))
		return -EINVAL;
	return 0;
}
