/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.h - makes a policy file a unit of the replay engine. The Makefile compiles every file of core/policies/ a second time
 * with this file before it (-include): the line POLICY_REGISTER at its end then defines the policy's own replay loop and
 * puts it into the linker section that replay.c reads. There is no list of policies.
 *
 * A policy of the user's own is compiled in the same way at run time, with REPLAY_UNIT_TRUSTED=false: its victims are looked
 * at, so that a mistake ends the replay and nothing else.
 */
#ifndef VMM_REPLAY_UNIT_H
#define VMM_REPLAY_UNIT_H

#ifndef REPLAY_UNIT_TRUSTED
#define REPLAY_UNIT_TRUSTED true
/* A user's policy is compiled once: its callbacks work in the core too, so these two do not hold there. */
#define FRAME_CLEARED_SEEN false
/* Notes are in frame_of: engine.h. */
#define PAGE_NOTE_STRIDE(notes) sizeof(uint32_t)
#endif

#define POLICY_REGISTER(table)                                                                     \
	POLICY_EXPORT(__start_vmm_replays, __stop_vmm_replays, REPLAY_ABI);                        \
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
		return replay_fault(r, &(table), ref, entry, REPLAY_UNIT_TRUSTED, writes);         \
	}                                                                                          \
	__attribute__((flatten)) static int name(struct replay *r, const uint32_t *refs, size_t n) \
	{                                                                                          \
		return replay_dispatch(r, &(table), name##_fault, REPLAY_UNIT_TRUSTED, writes,     \
				       refs, n);                                                   \
	}

#include "core/replay/engine.h"

extern const struct replay_unit *const __start_vmm_replays[]
	__attribute__((weak, visibility("hidden")));
extern const struct replay_unit *const __stop_vmm_replays[]
	__attribute__((weak, visibility("hidden")));

/* Another loop, or another struct replay, is another number. */
#define REPLAY_ABI ((uint32_t)(1u << 16 | sizeof(struct replay)))

#endif
