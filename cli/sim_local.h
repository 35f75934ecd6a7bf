/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_local.h - local allocation: how the frames of a cell are divided among the processes of the trace.
 *
 * Processes with a budget get that; the others get equal shares of what is left, the first ones a frame more when it does not
 * divide. Budgets that are more than there is are scaled down alike, but none below its min. Everybody gets at least a
 * frame.
 */
#ifndef CLI_SIM_LOCAL_H
#define CLI_SIM_LOCAL_H

#include "cli/sim_run.h"

struct sim_quotas {
	struct full_quota *list; /* by cell, then process */
	uint32_t n_pids;
};

/* Complains itself: 0 or -errno. */
int sim_quotas_make(const struct sim_options *options, const struct sim_count *count,
		    const struct sim_result *result, struct sim_quotas *quotas);

#endif
