/* SPDX-License-Identifier: Apache-2.0 */
/* run_options.h - the options of `vmm run`, and the checks that need no look at the machine. */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include "cli/options.h"
#include "core/policy.h"
#include "pager/run.h"

#define RUN_FRAMES_MIN (RUN_FRAMES_BASE + RUN_FRAMES_THREAD)

struct run_options {
	struct run_config config;
	const char *frames_option; /* the option that gave config.frames, NULL: no limit */
	uint64_t window, timeout_s;
	const char *json;
	bool quiet;
	const struct policy_ops *policy;
	uint64_t values[POLICY_PARAMS_MAX];
	enum policy_class class; /* under these parameters */
};

extern const struct option_spec run_option_table[];

void run_options_init(struct run_options *options);

/* Complains itself: 0, or -EINVAL. Completes options->config. */
int run_options_check(struct run_options *options);

#endif
