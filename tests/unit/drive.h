/* SPDX-License-Identifier: Apache-2.0 */
/* drive.h - a driver in a few lines, for tests of the core: faults of threads in one space, served without failures. */
#ifndef TESTS_UNIT_DRIVE_H
#define TESTS_UNIT_DRIVE_H

#include "core/core.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SPACE 9

static inline struct vmm *make(const char *policy, uint32_t frames, uint32_t flags, uint32_t batch,
			       uint32_t window)
{
	struct vmm_config c = {
		.frames = frames, .flags = flags, .batch = batch, .window = window, .policy = policy
	};
	struct vmm *v = vmm_create(&c);

	assert_non_null(v);
	return v;
}

static inline void fault(struct vmm *v, uint64_t vpn, bool write, uint32_t thread, struct plan *p)
{
	assert_int_equal(core_fault(v, SPACE, vpn, write, thread, p), 0);
}

/* Carries the plan out without failures. */
static inline void finish(struct vmm *v, struct plan *p)
{
	for (uint32_t i = 0; i < p->n_evict; i++)
		core_evicted(v, p->evict[i], -1);
	core_fill(v, p);
	assert_int_equal(core_check(v), 0);
}

static inline enum fault_kind touch(struct vmm *v, uint64_t vpn, bool write, uint32_t thread)
{
	struct plan p;

	fault(v, vpn, write, thread, &p);
	finish(v, &p);
	return p.kind;
}

static inline const struct page *at(struct vmm *v, uint64_t vpn)
{
	return core_page(v, core_find(v, SPACE, vpn));
}

#endif
