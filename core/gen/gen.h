/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen.h - synthetic traces: a seeded stream of records, the same for the same configuration, on every machine.
 *
 * Processes have the pids 1, 2, 3 ... and take turns, `quantum` references each. A process has `pages` pages, from page 0.
 * Page numbers come from a stream seeded with `seed`; whether a reference writes comes from another one, so that the share of
 * writes does not change which pages are referenced.
 */
#ifndef VMM_GEN_H
#define VMM_GEN_H

#include "core/trace/trace.h"

#define GEN_PROCESSES_MAX 65536u
#define GEN_DEFAULT UINT32_MAX /* as the type says */

struct gen_config {
	const char *type;
	uint64_t refs;
	uint32_t processes; /* GEN_DEFAULT */
	uint32_t pages;     /* of each process */
	uint32_t writes;    /* percent; GEN_DEFAULT */
	uint32_t quantum;   /* references of a turn; GEN_DEFAULT */
	uint64_t seed;
	double alpha;    /* zipf */
	uint32_t stride; /* pages; stride */
	uint32_t phases; /* phased */
};

struct gen_process; /* gen_internal.h */
struct gen;

struct gen_type {
	const char *name, *summary;
	uint32_t processes, writes, quantum; /* defaults */
	/* State that all processes share; NULL: none. 0 or -errno. */
	int (*create)(struct gen *g);
	/* The next page, and the byte in it, of a process. */
	void (*next)(struct gen *g, struct gen_process *p, struct trace_record *rec);
	/* Events before the reference number g->done, at most GEN_EVENTS; after the last, until there are none. May be NULL. */
	size_t (*events)(struct gen *g, struct trace_record *records);
};
extern const struct gen_type gen_types[]; /* ends with a NULL name */

/* 0; -ENOENT: no such type; -EINVAL: no process, page, quantum, stride or phase, or too many; -ENOMEM. */
int gen_create(struct gen **g, const struct gen_config *config);
/* The next records, 0 at the end. max >= 8. */
size_t gen_read(struct gen *g, struct trace_record *records, size_t max);
void gen_destroy(struct gen *g);

#endif
