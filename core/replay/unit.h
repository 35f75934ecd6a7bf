/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.h - makes a policy file a unit of the replay engine. The Makefile compiles every file of core/policies/ a second time
 * with this file before it (-include): the line POLICY_REGISTER at its end then defines the policy's own replay loop and
 * puts it into the linker section that replay.c reads. There is no list of policies.
 */
#ifndef VMM_REPLAY_UNIT_H
#define VMM_REPLAY_UNIT_H

#define FRAME_CLEARED_SEEN false
/* Notes are in frame_of: engine.h. */
#define PAGE_NOTE_STRIDE(notes) sizeof(uint32_t)

#define POLICY_REGISTER(table)                                                                     \
	REPLAY_UNIT_LOOP(table, replay_unit_reads, false)                                          \
	REPLAY_UNIT_LOOP(table, replay_unit_writes, true)                                          \
	static int replay_unit_feed(struct replay *r, const uint32_t *refs, size_t n, bool writes) \
	{                                                                                          \
		return writes ? replay_unit_writes(r, refs, n) : replay_unit_reads(r, refs, n);    \
	}                                                                                          \
	static const struct replay_unit replay_unit = { &(table), replay_unit_feed };              \
	static const struct replay_unit *const replay_unit_entry                                   \
		__attribute__((used, section("vmm_replays"))) = &replay_unit

/* Faults are a function apart, so that the loop has the registers for itself. */
#define REPLAY_UNIT_LOOP(table, name, writes)                                                      \
	__attribute__((flatten, noinline)) static int name##_fault(struct replay *r, uint32_t ref, \
								   uint32_t entry)                 \
	{                                                                                          \
		return replay_fault(r, &(table), ref, entry, true, writes);                        \
	}                                                                                          \
	__attribute__((flatten)) static int name(struct replay *r, const uint32_t *refs, size_t n) \
	{                                                                                          \
		return replay_dispatch(r, &(table), name##_fault, writes, refs, n);                \
	}

#include "core/replay/engine.h"

#endif
