/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_heat.h - an access map: references by time (columns of equally many) and page (rows of equally many pages, ordered by
 * process and address; pages that are never touched are left out, so that a sparse address space fills the map).
 */
#ifndef CLI_SIM_HEAT_H
#define CLI_SIM_HEAT_H

#include "cli/sim_run.h"

struct sim_heat {
	uint32_t columns, rows;
	uint32_t *counts; /* by row, then column; free() */
	uint64_t references;
	uint32_t first_pid, last_pid; /* of the first and the last row */
	uint64_t first_address, last_address;
};

/* Reads the trace twice. -ESPIPE: it cannot be; otherwise as reading it. Complains of nothing. */
int sim_heat_make(const struct sim_options *options, uint64_t page_size, uint64_t references,
		  struct sim_heat *heat);

#endif
