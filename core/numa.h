/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numa.h - memory that is nearer to some processors than to others: where a page is put, and what each access costs.
 *
 * A *node* is a share of the frames (frame.h: frame_table_split) and the processors beside it. A process runs on its
 * *home* node: the one that numa_set_home says, or node k modulo nodes for the k-th process that is seen. *distance* is as
 * in ACPI's SLIT: 10 is local; 20 is twice as far, and what all others are unless set. Placement of a page:
 *
 *   first-touch  on the home node of the process that faults on it
 *   interleave   on node vpn modulo nodes; a large page's vpn counts in units of its size
 *   bind         as first-touch, but never elsewhere: -> VMM_NONE while other nodes have free frames
 *   migrate      as first-touch; a remote access moves the page to the accessing process's home when that has a free frame
 *
 * When the node of choice is full all but bind take the nearest node that is not (of equals the lowest number).
 *
 * Invariants, looked at by numa_check: a node is nearest to itself; near[n] names every node once, nearest first;
 * homes are nodes.
 */
#ifndef VMM_NUMA_H
#define VMM_NUMA_H

#include "core/frame.h"

#include <stdbool.h>
#include <stdint.h>

#define NUMA_NODES_MAX 64u
#define NUMA_LOCAL 10u /* distances */
#define NUMA_REMOTE 20u
#define NUMA_REMOTE_NS_MAX 1000000000u

enum numa_placement { NUMA_FIRST_TOUCH, NUMA_INTERLEAVE, NUMA_BIND, NUMA_MIGRATE };

struct numa_config {
	uint32_t nodes;
	enum numa_placement placement;
	uint32_t remote_ns; /* of every remote access; 0: memory latency times distance / 10 */
};

struct numa_home;

struct numa {
	struct numa_config config;
	uint8_t distance[NUMA_NODES_MAX][NUMA_NODES_MAX]; /* from (processor), to (memory) */
	uint8_t near[NUMA_NODES_MAX][NUMA_NODES_MAX]; /* nodes by distance from the first index */
	uint64_t accesses[NUMA_NODES_MAX][NUMA_NODES_MAX]; /* from, to */
	uint64_t migrations;
	uint64_t elsewhere; /* groups of frames that came from another node than was wanted */
	struct numa_home *homes, *last;
	uint32_t seen; /* processes that have got a home by turn */
};

/* "NODES[:first-touch|interleave|bind|migrate][,remote-ns=N]": 0, or -EINVAL with *bad at the offending word. */
int numa_parse(const char *spec, struct numa_config *c, const char **bad);

/* 0; -EINVAL: no node or more than NUMA_NODES_MAX. The caller splits the frames. */
int numa_init(struct numa *n, const struct numa_config *c);
void numa_destroy(struct numa *n);

/* 0; -EINVAL: no such node, or nearer than local. From a node to itself it is NUMA_LOCAL and stays so. */
int numa_set_distance(struct numa *n, uint32_t from, uint32_t to, uint8_t distance);

/* 0; -EINVAL no such node; -ENOMEM. */
int numa_set_home(struct numa *n, uint32_t process, uint32_t node);
/* A process that is not known gets its turn. */
uint32_t numa_home(struct numa *n, uint32_t process);
void numa_process_exit(struct numa *n, uint32_t process);

/* Where the page should be; vpn in units of its size. */
uint32_t numa_wanted(struct numa *n, uint32_t process, uint64_t vpn);

/* 2^order frames for the page (frame_take_group), VMM_NONE when the placement allows none. */
uint32_t numa_take(struct numa *n, struct frame_table *t, uint32_t process, uint64_t vpn,
		   uint32_t order);

/*
 * The process accesses the frame: counted. Returns the node that the page should move to, or VMM_NONE. Who moves it takes
 * a frame there, and says so with numa_migrated.
 */
uint32_t numa_access(struct numa *n, const struct frame_table *t, uint32_t process, uint32_t frame);
static inline void numa_migrated(struct numa *n)
{
	n->migrations++;
}

/* Of one access; of all that were counted: local, and remote; what they took beyond local latency. */
uint32_t numa_latency_ns(const struct numa *n, uint32_t from, uint32_t to, uint32_t mem_ns);
uint64_t numa_local(const struct numa *n);
uint64_t numa_remote(const struct numa *n);
uint64_t numa_extra_ns(const struct numa *n, uint32_t mem_ns);

/* Frames in use, mean of the nodes / most of any node, in percent: 100 is even, 100 / nodes is all on one. 0: none. */
uint32_t numa_balance_percent(const struct numa *n, const struct frame_table *t);

int numa_check(const struct numa *n); /* 0, -EINVAL */

#endif
