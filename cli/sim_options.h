/* SPDX-License-Identifier: Apache-2.0 */
/* sim_options.h - the options that `vmm sim` and `vmm mrc` share, and the checks that need no look at the trace. */
#ifndef CLI_SIM_OPTIONS_H
#define CLI_SIM_OPTIONS_H

#include "cli/options.h"
#include "core/policy.h"

/* One policy of -a, with its parameters. */
struct sim_policy {
	char *spec; /* "clock:ref-at-load=0" */
	const struct policy_ops *ops;
	uint64_t values[POLICY_PARAMS_MAX];
	bool opt; /* Belady's OPT, which is computed from the whole trace */
};

/* One memory size of -f, -r or -m. */
struct sim_size {
	double value;
	char unit; /* 'f' frames, 'b' bytes, '%' of the trace's pages */
};

#define SIM_PAGE_SIZES_MAX 16
#define SIM_TABLES_MAX 16

/* --budget: one process's share of the frames. */
struct sim_budget {
	uint32_t pid;
	struct sim_size size, min;
};

struct sim_options {
	const char *trace, *policies_text, *sizes_text, *warmup_text, *config_name;
	const char *json, *csv, *html, *output, *sample_text, *page_sizes_text, *interval_text;
	const char *tables_text, *tlb, *numa, *large,
		*prefetch; /* the full model; NULL: not given */
	const char *allocation_text;
	char size_letter;   /* 'f', 'r' or 'm': what sizes_text is a list of; 0: none */
	bool sizes_default; /* the command said so, not the user */
	uint64_t page_size, accesses_max, seed, jobs, points, salts, seeds, repeat;
	uint64_t walk_cache, swap_mib;
	uint64_t tlb_ns, mem_ns, fault_us, swap_us; /* the timing model */
	bool quiet, time_faults, full, force, probation;
	struct sim_budget *budgets; /* as given */
	uint32_t n_budgets;

	/* Made by sim_options_check. */
	struct sim_policy *policies;
	uint32_t n_policies;
	struct sim_size *given; /* memory sizes as given */
	uint32_t n_given;
	uint64_t page_sizes[SIM_PAGE_SIZES_MAX]; /* of -p; the first is page_size */
	uint32_t n_page_sizes;
	char *tables[SIM_TABLES_MAX]; /* kinds of page tables; none: not simulated */
	uint32_t n_tables;
	bool local;                     /* --allocation local */
	uint64_t interval, interval_ns; /* one of them, or neither */

	/* Made by sim_sizes_resolve. */
	uint32_t *sizes; /* frames; ascending */
	uint32_t n_sizes;
	uint64_t warmup;       /* references */
	double warmup_percent; /* > 0: of all references, instead */
	double sample_rate;    /* > 0: SHARDS */
	uint64_t sample_pages; /* > 0: at most so many pages in the sample */
};

void sim_options_init(struct sim_options *options);
void sim_options_destroy(struct sim_options *options);

/* `command` is its name, for messages. Complains itself: 0 or -EINVAL. `sizes_needed`: without a memory size it fails. */
int sim_options_check(struct sim_options *options, const char *command, bool sizes_needed);

/*
 * Frames of pages of page_size, for a trace of so many pages (0: not known, and percentages are an error). Complains itself: 0
 * or -EINVAL.
 */
int sim_sizes_parse(struct sim_options *options);
int sim_sizes_resolve(struct sim_options *options, uint64_t trace_pages);
bool sim_sizes_percent(const struct sim_options *options);
/* One word as a size; letter is that of the option, for the unit. 0, or an error that was complained of. */
int sim_size_parse(const char *option, char letter, const char *word, struct sim_size *size);
/* In frames, rounded down; 0 when it is less than one or does not fit. */
uint32_t sim_size_frames(const struct sim_size *size, uint64_t page_size, uint64_t trace_pages);

/* OPTION_CALL functions of the tables. */
int sim_parse_budget(void *target, const char *option, const char *value);
int sim_parse_frames(void *target, const char *option, const char *value);
int sim_parse_ram(void *target, const char *option, const char *value);
int sim_parse_memory(void *target, const char *option, const char *value);

/* It has to be driven through struct vmm: the fast engine cannot. */
bool sim_policy_needs_full(const struct sim_policy *policy);
/* Something was asked for that only struct vmm simulates. */
bool sim_options_full(const struct sim_options *options);

/* "clock:ref-at-load=0": parameters that differ from their defaults. */
void sim_policy_short(const struct sim_policy *policy, char *text, size_t bytes);

/* "clock", and its parameters as "ref-at-load=1;..." ("" when there are none). */
const char *sim_policy_name(const struct sim_policy *policy);
void sim_policy_params(const struct sim_policy *policy, char *text, size_t bytes);

#endif
