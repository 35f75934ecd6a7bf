/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.c - making a struct vmm, and the driver that executes plans in nothing: the simulator.
 *
 * The simulated process is its own only thread. A page is held for a thread (core.h) only with VMM_FLAG_LIVE: without
 * it a fault is complete when vmm_access returns, and one frame is enough for any number of processes.
 */
#include "core/core_internal.h"
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
	v->page_free = v->open_page = v->open_mapper = v->open_source = VMM_NONE;
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
	err = v->ops->create(&v->policy, &env);
	if (err)
		v->policy = NULL;
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

/* What a reference was. Others than soft ones are instructions that start again. */
enum result { RESULT_HIT, RESULT_FRAME, RESULT_MAPPED, RESULT_SOFT };

/* The plan's victims leave; more are asked for while its page has no frame. The store is the counters. */
static int make_room(struct vmm *v, struct plan *plan)
{
	for (;;) {
		int err;

		for (uint32_t i = 0; i < plan->n_evict; i++)
			core_evicted(v, plan->evict[i], -1);
		if (!plan->needs_frame || core_has_room(v, plan))
			return 0;
		err = core_room(v, plan);
		if (err)
			return err;
	}
}

/* Pages that the fault made worth reading. Its own page is held meanwhile. */
static void prefetch(struct vmm *v, const struct plan *fault)
{
	struct plan plan;
	int err = 0;

	for (uint32_t i = 0; i < fault->n_prefetch && err != -ENOMEM; i++) {
		err = core_prefetch(v, fault->prefetch[i], i < fault->n_map_ahead, &plan);
		if (!err)
			err = make_room(v, &plan);
		if (!err)
			core_fill(v, &plan);
	}
}

/* A fault that is being served, and the counters when it began. */
struct served {
	struct plan plan;
	struct vm_stats before;
};

/* Serves a fault as a driver does: an enum result, or -errno. */
static int serve(struct vmm *v, uint32_t pid, uint64_t vpn, bool write, struct served *s)
{
	struct plan *plan = &s->plan;
	int err;

	s->before = v->stats;
	err = core_fault(v, pid, vpn, write, pid, plan);

	if (!err)
		err = make_room(v, plan);
	if (err)
		return err;
	core_fill(v, plan);
	if (plan->kind == FAULT_SOFT)
		return RESULT_SOFT;
	return plan->needs_frame ? RESULT_FRAME : RESULT_MAPPED;
}

/* After the policy has seen the reference. */
static void serve_end(struct vmm *v, uint32_t pid, const struct served *s)
{
	struct thread *t = v->flags & VMM_FLAG_LIVE ? NULL : thread_find(v, pid);

	prefetch(v, &s->plan);
	if (t)
		hold_release(v, t);
	if (v->large && s->plan.needs_frame)
		large_promote(v, pid, v->large->fault_vpn);
	process_count(process_find(v, pid), &s->before, &v->stats);
}

/* The policy gives back what it does not want to keep. */
static void shrink(struct vmm *v)
{
	struct plan plan;

	do {
		core_shrink(v, &plan);
		for (uint32_t i = 0; i < plan.n_evict; i++)
			core_evicted(v, plan.evict[i], -1);
	} while (plan.n_evict);
	core_fill(v, &plan);
	v->stats.resident_sum += frames_taken(v);
}

static bool sees_touches(const struct vmm *v)
{
	return v->class == POLICY_X || (v->class == POLICY_T && !(v->flags & VMM_FLAG_LIVE));
}

/* The core's part of a reference; value is what the page map has. An enum result, or -errno. */
static int reference(struct vmm *v, uint32_t pid, uint64_t vpn, uint32_t value, int is_write)
{
	uint32_t id = map_page(v, value);
	const struct page *p = id == VMM_NONE ? NULL : &v->pages[id];
	struct served s;
	int result = RESULT_HIT;

	if (!p || p->state != PAGE_MAPPED || (is_write && !(p->flags & PAGE_WRITABLE)) ||
	    (value & MAPPER_BIT && !share_hits(v, value, is_write)))
		result = serve(v, pid, vpn, is_write, &s);
	else if (is_write)
		v->frames.bits[p->frame] |= FRAME_DIRTY;
	if (result < 0)
		return result;
	if (result != RESULT_FRAME && sees_touches(v)) {
		/* it was resident before, even if not for this address */
		id = result == RESULT_HIT ? id : core_find(v, pid, vpn);
		v->ops->touch(v->policy, v->pages[id].frame, is_write);
	}
	if (result)
		serve_end(v, pid, &s);
	return result;
}

/* With translation simulated around it. */
static int translated(struct vmm *v, uint32_t pid, uint64_t vpn, uint32_t value, int is_write)
{
	uint32_t id = map_page(v, value);
	struct mmu_access a;
	int result = mmu_begin(v, &a, pid, vpn, is_write), err;

	if (result < 0)
		return result;
	result = reference(v, pid, vpn, value, is_write);
	if (result < 0) {
		if (id != VMM_NONE) /* the walk has set bits */
			mmu_sync(v, id);
		return result;
	}
	if (result != RESULT_HIT || v->large)
		id = core_find(v, pid, vpn);
	err = mmu_end(v, &a, id, is_write, result == RESULT_FRAME || result == RESULT_MAPPED);
	return err ? err : result;
}

static void stats_reference(struct vm_stats *s, int is_write)
{
	s->accesses++;
	if (is_write)
		s->writes++;
	else
		s->reads++;
}

static int counted(struct vmm *v, uint32_t pid, uint64_t addr, int is_write)
{
	uint64_t vpn = addr >> v->page_shift, hits = v->stats.tlb_hits,
		 misses = v->stats.tlb_misses;
	struct process *p = process_make(v, pid);
	uint32_t value = page_map_get(&v->map, pid, vpn);
	int result;

	if (!p)
		return -ENOMEM;
	result = v->mmu ? translated(v, pid, vpn, value, is_write)
			: reference(v, pid, vpn, value, is_write);
	if (result < 0)
		return result;
	if (v->physical) {
		uint32_t id = core_find(v, pid, vpn);

		physical_accessed(v, pid, id);
		if (v->large)
			large_touched(v, id, vpn, result == RESULT_FRAME);
	}
	stats_reference(&v->stats, is_write);
	stats_reference(&p->stats, is_write);
	p->stats.tlb_hits += v->stats.tlb_hits - hits;
	p->stats.tlb_misses += v->stats.tlb_misses - misses;
	if (!(v->flags & VMM_FLAG_TIME_FAULTS))
		v->now++;
	if (v->ops->surplus && !(v->flags & VMM_FLAG_LIVE))
		shrink(v);
	return result == RESULT_SOFT ? RESULT_MAPPED : result;
}

int vmm_access(struct vmm *v, uint32_t pid, uint64_t addr, int is_write)
{
	return v->class == POLICY_X ? -ENOTSUP : counted(v, pid, addr, is_write);
}

int vmm_access_next(struct vmm *v, uint32_t pid, uint64_t addr, int is_write, uint64_t next_use)
{
	v->next_use = next_use;
	return counted(v, pid, addr, is_write);
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

double vmm_amt_ns(const struct vmm *v)
{
	return timing_amt_ns(&v->timing, vmm_stats(v), extra_ns(v));
}

double vmm_slowdown(const struct vmm *v)
{
	return timing_slowdown(&v->timing, vmm_stats(v), extra_ns(v));
}
