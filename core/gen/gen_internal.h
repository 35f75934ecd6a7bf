/* SPDX-License-Identifier: Apache-2.0 */
/* gen_internal.h - a generator from inside: gen.c runs it, gen_types.c and gen_zipf.c are the types. */
#ifndef VMM_GEN_INTERNAL_H
#define VMM_GEN_INTERNAL_H

#include "core/gen/gen.h"
#include "core/rng.h"

#define GEN_EVENTS 4u /* the most before one reference */

struct gen_process {
	struct rng rng;
	uint64_t count; /* references made */
	uint32_t page;  /* where it is */
	uint32_t base;  /* of its working set */
};

struct zipf {
	uint64_t *cumulative; /* by rank: the sum of the weights up to it */
	uint32_t *guide;      /* by r >> guide_shift: the first rank that can be meant */
	uint32_t guide_shift, ranks;
};

struct gen {
	const struct gen_type *type;
	struct gen_config config; /* defaults filled in */
	struct gen_process *processes;
	struct rng writes;
	uint64_t done;
	uint32_t turn, turn_left; /* whose turn it is, and how long */
	uint32_t alive;           /* processes that there are by now */
	uint32_t marks;           /* phased: phases begun */
	uint32_t *next_page;      /* pointer_chase */
	struct zipf zipf;
};

/* gen_zipf.c */
int zipf_create(struct gen *g);
void zipf_next(struct gen *g, struct gen_process *p, struct trace_record *rec);
void zipf_destroy(struct zipf *z);

#endif
