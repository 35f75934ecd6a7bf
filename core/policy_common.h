/* SPDX-License-Identifier: Apache-2.0 */
/* policy_common.h - small things that several policies need: callbacks that do nothing, sizes of lists. */
#ifndef VMM_POLICY_COMMON_H
#define VMM_POLICY_COMMON_H

#include "core/policy.h"

/* For a policy whose victim() has moved on already. A rejected frame is no victim again in the same plan. */
static inline void policy_reject_none(void *state, uint32_t frame)
{
	(void)state;
	(void)frame;
}

/* max(1, floor(percent of frames)) */
static inline uint32_t policy_share(uint32_t frames, uint64_t percent)
{
	uint64_t n = (uint64_t)frames * percent / 100;

	return n < 1 ? 1 : n > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)n;
}

#endif
