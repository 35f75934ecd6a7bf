/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.c - making a struct vmm, and what it has counted. The driver that executes plans in nothing is in serve.c.
 */
#include "core/core_internal.h"
#include "core/fault_in_place.h"
#include "core/mmu.h"
#include "core/process.h"
#include "core/region.h"
#include "core/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS_ALL                                                                                  \
	(VMM_FLAG_PROBATION | VMM_FLAG_TRACK_DIRTY | VMM_FLAG_TIME_FAULTS | VMM_FLAG_LIVE |        \
	 VMM_FLAG_MAP_AHEAD)
#define PAGE_SIZE_DEFAULT 4096u

static int config_check(const struct vmm_config *c)
{
	if (c->size && c->size != sizeof(*c))
		return -EINVAL;
	if (c->frames == 0 || c->frames == VMM_NONE || (c->flags & ~FLAGS_ALL))
		return -EINVAL;
	if (c->page_size & (c->page_size - 1))
		return -EINVAL;
	if (spec_wanted(c->large) && c->swap_pages)
		return -ENOTSUP;
	return 0;
}

static int lists_init(struct vmm *v, uint32_t frames)
{
	v->window_fifo = v->orphans = FRAME_LIST_EMPTY;
	v->holds = calloc(frames, sizeof(*v->holds));
	v->idle = calloc(frames, sizeof(*v->idle));
	v->evict = calloc(v->batch, sizeof(*v->evict));
	if (!v->holds || !v->idle || !v->evict)
		return -ENOMEM;
	if (!v->probation && !v->use_window)
		return 0;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	v->in_list = calloc(frames, sizeof(*v->in_list));
	return v->in_list ? frame_links_init(&v->links, frames) : -ENOMEM;
}

static int vmm_init(struct vmm *v, const struct vmm_config *c)
{
	uint32_t page_size = c->page_size ? c->page_size : PAGE_SIZE_DEFAULT;
	struct policy_env env = {
		.frames = &v->frames, .now = &v->now, .next_use = &v->next_use, .notes = &v->notes
	};
	const char *bad;
	int err;

	err = policy_parse(c->policy ? c->policy : "clock", &v->ops, env.values, &bad);
	if (err)
		return err;
	v->class = v->ops->class_of ? v->ops->class_of(env.values) : v->ops->class;
	v->flags = c->flags;
	v->batch = c->batch ? c->batch : 1;
	if (v->batch > c->frames)
		v->batch = c->frames;
	v->window = c->window;
	v->page_shift = (uint32_t)__builtin_ctz(page_size);
	v->probation = v->class == POLICY_R0 && (c->flags & (VMM_FLAG_PROBATION | VMM_FLAG_LIVE));
	v->use_window = v->class == POLICY_T && (c->flags & VMM_FLAG_LIVE) && c->window;
	v->page_free = v->open_page = v->open_mapper = v->open_source = v->replaced = VMM_NONE;
	v->hold_depth = 1;
	if (v->class == POLICY_X && (spec_wanted(c->prefetch) || spec_wanted(c->large)))
		return -ENOTSUP;
	v->next_use = UINT64_MAX;
	v->notes.stride = sizeof(*v->pages);
	v->timing = c->timing ? *c->timing : TIMING_DEFAULT;
	page_map_init(&v->map);
	page_map_init(&v->object_map);
	share_init(&v->share);
	err = frame_table_init(&v->frames, c->frames, c->seed);
	if (!err)
		err = lists_init(v, c->frames);
	if (!err && c->mmu)
		err = mmu_create(v, c->mmu, c->seed);
	if (!err)
		err = physical_create(v, c);
	if (!err)
		err = prefetcher_create(v, c->prefetch);
	if (!err)
		err = large_create(v, c->large);
	if (!err && c->swap_pages)
		err = slots_create(v, c->swap_pages);
	if (err)
		return err;
	err = writebacks_create(v, &env);
	if (err)
		return err;
	err = v->ops->create(&v->policy, &env);
	if (err)
		v->policy = NULL;
	/* nothing happens at a reference to a mapped or an idle page but what the page table shows */
	v->direct = v->mmu && v->mmu->has_table && !v->physical && !v->prefetcher &&
		    !v->probation && !(v->flags & VMM_FLAG_LIVE);
	v->plain = plain_setup(v);
	return err;
}

struct vmm *vmm_create(const struct vmm_config *config)
{
	int err = config_check(config);
	struct vmm *v = NULL;

	if (err)
		goto out;
	err = -ENOMEM;
	v = calloc(1, sizeof(*v));
	if (!v)
		goto out;
	err = vmm_init(v, config);
	if (!err)
		return v;
	vmm_destroy(v);
out:
	errno = -err;
	return NULL;
}

void vmm_destroy(struct vmm *v)
{
	struct thread *t, *next;

	if (!v)
		return;
	if (v->policy)
		v->ops->destroy(v->policy);
	HASH_ITER(hh, v->threads, t, next)
	{
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track inside */
		HASH_DEL(v->threads, t);
		free(t);
	}
	processes_destroy(v);
	space_regions_destroy(v);
	objects_destroy(v);
	share_destroy(&v->share);
	mmu_destroy(v);
	physical_destroy(v);
	slots_destroy(v);
	writebacks_destroy(v);
	prefetcher_destroy(v);
	large_destroy(v);
	page_map_destroy(&v->map);
	frame_table_destroy(&v->frames);
	frame_links_destroy(&v->links);
	free(v->in_list);
	free(v->holds);
	free(v->idle);
	free(v->evict);
	free(v->pages);
	free(v);
}

const struct vm_stats *vmm_stats(const struct vmm *v)
{
	struct vm_stats *s = (struct vm_stats *)&v->stats;

	/* the counts of the parts are fetched when asked for: not a change that the caller sees */
	if (v->mmu)
		mmu_stats(v, s);
	if (v->physical)
		physical_stats(v, s);
	if (v->slots)
		s->swap_used = v->slots->swap.peak;
	return s;
}

static uint64_t extra_ns(const struct vmm *v)
{
	return v->physical ? physical_extra_ns(v) : 0;
}

uint64_t core_clock_ns(struct vmm *v)
{
	if (v->mmu)
		mmu_walks(v, &v->stats);
	return (uint64_t)timing_total_ns(&v->timing, &v->stats, extra_ns(v));
}

double vmm_amt_ns(const struct vmm *v)
{
	return timing_amt_ns(&v->timing, vmm_stats(v), extra_ns(v));
}

double vmm_slowdown(const struct vmm *v)
{
	return timing_slowdown(&v->timing, vmm_stats(v), extra_ns(v));
}
