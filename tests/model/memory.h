/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - a brute-force model of what lies below a policy: nodes, and a swap device with so many slots. Three policies
 * (fifo, lru, clock), everything else in lists that are searched from one end. It shares no code with core/.
 */
#ifndef TESTS_MODEL_MEMORY_H
#define TESTS_MODEL_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_PIDS 4u
#define MEMORY_PAGES 200u /* of one process: numbers are below this */
#define MEMORY_FRAMES 64u
#define MEMORY_NODES 8u

enum memory_policy { MEMORY_FIFO, MEMORY_LRU, MEMORY_CLOCK };
enum memory_prefetch { MEMORY_OFF, MEMORY_SEQ, MEMORY_STRIDE, MEMORY_TREND };
enum memory_placement { MEMORY_FIRST_TOUCH, MEMORY_INTERLEAVE, MEMORY_BIND, MEMORY_MIGRATE };

struct memory_config {
	enum memory_policy policy;
	uint32_t frames;
	uint32_t nodes; /* 0: no such thing */
	enum memory_placement placement;
	uint32_t slots; /* 0: no limit */
	enum memory_prefetch prefetch;
	uint32_t distance;
};

struct memory_page {
	int frame; /* -1: not resident */
	uint32_t node;
	bool dirty, copy, referenced, passed, ahead; /* ahead: prefetched and not used */
	double ready_ns;
};

/* What is known of a process's events: page numbers, the last one last. */
struct memory_events {
	int page[5000], n;
	int trend, window, hits;
};

struct memory {
	struct memory_config c;
	struct memory_page page[MEMORY_PIDS][MEMORY_PAGES];
	int home[MEMORY_PIDS];
	int homes;
	uint32_t free[MEMORY_NODES];
	struct memory_page *in[MEMORY_FRAMES];         /* by frame */
	struct memory_page *line[MEMORY_FRAMES];       /* the policy's order */
	uint32_t n_line, hand;                         /* hand: index into the line */
	int free_frame[MEMORY_FRAMES], n_free, n_used; /* freed ones; the last is taken next */
	int hand_copies, copies;                       /* copies: slots in use */
	struct memory_events events[MEMORY_PIDS];
	const struct memory_page *held;
	uint64_t accesses, issued, used, wasted, late;
	double wait_ns, saved_ns;
	uint64_t faults, major, clean, dirty, local, remote, moved, most_copies;
};

void memory_init(struct memory *m, const struct memory_config *c);
/* 0 hit, 1 fault, -1 no page could leave. Processes and pages are numbered from 0. */
int memory_access(struct memory *m, uint32_t pid, uint32_t page, bool write);
void memory_unmap(struct memory *m, uint32_t pid, uint32_t first, uint32_t n);

#endif
