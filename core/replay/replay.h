/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - the policy-only engine: replays references to dense page ids under one policy, and counts.
 *
 * It decides and counts exactly as vmm_access() does for one pool of frames without probation and without large pages,
 * page tables or a TLB, but it knows pages by dense ids and has no plans, threads or page states, so a hit costs a few
 * instructions. The policies are the files of core/policies/, compiled once more into the loop (unit.h).
 *
 * A *reference* is a 32-bit word: the page id in the low 31 bits, and the highest bit when it writes. Page ids are dense
 * and in order of first appearance, as the core hands them out: policies may break ties by id.
 *
 * Streaming: replay_feed may be called any number of times; memory is O(frames + pages), whatever the length.
 */
#ifndef VMM_REPLAY_H
#define VMM_REPLAY_H

#include "core/policy.h"
#include "core/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_WRITE 0x80000000u
#define REPLAY_PAGE 0x7FFFFFFFu
#define REPLAY_PAGES_MAX 0x7FFFFFFFu /* page ids are below this */

struct replay;

struct replay_config {
	const char *policy; /* "clock", "clock:ref-at-load=0" */
	uint32_t frames;    /* > 0 */
	uint64_t seed;
	bool time_faults; /* virtual time of policies counts faults, not references */
	bool table; /* call the policy through its table: slower, same counts (benchmarks, tests) */
};

struct replay_unit;

/*
 * From now on a policy that was added at run time is replayed by its own loop (engine.h). Both outlive all replays; before
 * the first of them is made. 0; -EINVAL: the loop was compiled for another engine; -ENOSPC.
 */
int replay_unit_add(const struct policy_ops *ops, const struct replay_unit *unit,
		    uint32_t replay_abi);

/* Policies that need the future (opt.h has Belady's) or give frames back by themselves are not replayed here. */
bool replay_can(const struct policy_ops *ops);

/* NULL on error with errno set: EINVAL (0 frames, bad parameter), ENOENT (unknown policy), ENOTSUP (replay_can), ENOMEM. */
struct replay *replay_create(const struct replay_config *config);
void replay_destroy(struct replay *r);

/* Makes room for page ids below `pages`; before they are fed. 0, -ENOMEM or -EINVAL (more than REPLAY_PAGES_MAX). */
int replay_reserve(struct replay *r, uint32_t pages);

/* 0, or -EINVAL when the policy returned a frame that is no victim: then the replay cannot go on. */
int replay_feed(struct replay *r, const uint32_t *refs, size_t n);

/* The page is gone (unmapped, discarded): its frame is free and its content forgotten. Its id may come again. */
void replay_forget(struct replay *r, uint32_t page, enum remove_why why);

/* Counts start again at zero; what is resident, and virtual time, stay. For the end of warm-up. */
void replay_stats_reset(struct replay *r);

/* Complete after each replay_feed; valid until the next call. */
const struct vm_stats *replay_stats(struct replay *r);

const struct policy_ops *replay_policy(const struct replay *r);

/* The policy's own invariants and those of the frames: 0 or -EINVAL. */
int replay_check(const struct replay *r);

#endif
