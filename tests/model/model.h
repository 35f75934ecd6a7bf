/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - a brute-force model of demand paging, written from the papers. It shares no code with core/ and must not
 * include anything of it: what both say is then said twice.
 *
 * Time is counted in faults. Memory is managed by one process at a time; probation (sieve) is kept by process, and so
 * are the pages that threads hold.
 */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <stddef.h>
#include <stdint.h>

enum model_policy { MODEL_FIFO, MODEL_RANDOM, MODEL_CLOCK, MODEL_NRU, MODEL_SIEVE, MODEL_POLICIES };

struct model_access {
	uint32_t pid;
	int write;
	uint64_t page; /* address / page size */
};

struct model_config {
	enum model_policy policy;
	uint32_t frames;
	uint64_t seed;  /* random, nru */
	uint64_t reset; /* nru: faults between clearings; 0: as many as frames */
	int hold;       /* 1: each process is a thread that holds its last pages (live) */
};

struct model_counts {
	uint64_t faults, faults_zero, evictions, evictions_dirty;
	uint64_t soft, writes; /* soft and write faults; clock's and nru's too */
};

int model_policy_by_name(const char *name); /* -1 */
int model_run(const struct model_config *config, const struct model_access *a, size_t n,
	      struct model_counts *counts);

#endif
