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
	bool opt; /* Belady's OPT, which is computed from the whole trace; ops is NULL */
};

struct sim_options {
	const char *trace, *policies_text, *sizes_text, *warmup_text, *config_name;
	const char *json, *csv, *output, *sample_text;
	char size_letter; /* 'f', 'r' or 'm': what sizes_text is a list of; 0: none */
	uint64_t page_size, accesses_max, seed, jobs, points, salts;
	uint64_t tlb_ns, mem_ns, fault_us, swap_us; /* the timing model */
	bool quiet, time_faults;

	/* Made by sim_options_check. */
	struct sim_policy *policies;
	uint32_t n_policies;
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

/* OPTION_CALL functions of the tables. */
int sim_parse_frames(void *target, const char *option, const char *value);
int sim_parse_ram(void *target, const char *option, const char *value);
int sim_parse_memory(void *target, const char *option, const char *value);

/* "clock", and its parameters as "ref-at-load=1;..." ("" when there are none). */
const char *sim_policy_name(const struct sim_policy *policy);
void sim_policy_params(const struct sim_policy *policy, char *text, size_t bytes);

#endif
