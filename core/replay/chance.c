/* SPDX-License-Identifier: Apache-2.0 */
/* chance.c - see chance.h. Drawing a number moves the pool's generator, so the state of that tells. */
#include "core/replay/chance.h"
#include "core/core.h"

#include <errno.h>

#define TRIAL 4000u
#define PAGES 200u

static int trial(const char *policy, uint32_t frames)
{
	struct vmm_config c = { .policy = policy, .frames = frames, .seed = 1 };
	struct vmm *v = vmm_create(&c);
	struct rng own = { 2 };
	uint64_t before;
	int result = 0;

	if (!v)
		return -errno;
	before = core_frames(v)->rng.state;
	for (uint32_t i = 0; i < TRIAL && result >= 0; i++) {
		uint64_t page = rng_below(&own, PAGES) * rng_below(&own, PAGES) / PAGES;

		if (i / 500 % 2)
			page = i % (PAGES / 2);
		result = vmm_access_next(v, 1, page << 12, rng_below(&own, 4) == 0, i + 1 + page);
	}
	if (result >= 0)
		result = core_frames(v)->rng.state != before;
	vmm_destroy(v);
	return result;
}

int policy_draws(const char *policy)
{
	int few = trial(policy, 5);

	return few ? few : trial(policy, PAGES / 2 - 10);
}
