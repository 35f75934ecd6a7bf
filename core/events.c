/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - what happens to address spaces besides references (vmm.h), for the simulator: each event becomes calls of
 * the core. None of them needs a frame, so there is no plan to carry out.
 */
#include "core/core_internal.h"
#include "core/process.h"
#include "core/region.h"

#include <errno.h>
#include <string.h>

/* The pages that hold any of the bytes. */
static int range_of(const struct vmm *v, uint64_t addr, uint64_t bytes, uint64_t *vpn, uint64_t *n)
{
	if (bytes == 0 || bytes - 1 > UINT64_MAX - addr)
		return -EINVAL;
	*vpn = addr >> v->page_shift;
	*n = ((addr + (bytes - 1)) >> v->page_shift) - *vpn + 1;
	return 0;
}

/* What has happened, for vmm_counter_applies. */
static void feature(struct vmm *v, uint32_t features)
{
	v->features |= features;
}

int vmm_map(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes, const struct vmm_mapping *m)
{
	uint64_t vpn, n;
	int err = range_of(v, addr, bytes, &vpn, &n);

	if (!err && !process_make(v, pid))
		err = -ENOMEM;
	if (!err)
		err = core_map(v, pid, vpn, n, m, false, NULL, NULL);
	if (err || m->backing == VMM_ANON)
		return err;
	feature(v, m->backing == VMM_SHARED ? FEATURE_OBJECTS : FEATURE_OBJECTS | FEATURE_FILES);
	v->stats.shared_attached += m->backing == VMM_SHARED;
	return 0;
}

int vmm_unmap(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes)
{
	uint64_t vpn, n;
	int err = range_of(v, addr, bytes, &vpn, &n);

	return err ? err : core_unmap(v, pid, vpn, n, REMOVE_UNMAP, NULL, NULL);
}

int vmm_discard(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes)
{
	uint64_t vpn, n;
	int err = range_of(v, addr, bytes, &vpn, &n);

	if (!err)
		core_discard(v, pid, vpn, n, NULL, NULL);
	return err;
}

int vmm_sync(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes)
{
	uint64_t vpn, n;
	int err = range_of(v, addr, bytes, &vpn, &n);

	if (!err)
		core_sync(v, pid, vpn, n);
	return err;
}

int vmm_fork(struct vmm *v, uint32_t parent, uint32_t child)
{
	int err;

	if (!process_make(v, parent))
		return -ENOMEM;
	err = core_fork(v, parent, child);
	if (err)
		return err;
	feature(v, FEATURE_FORKS);
	if (process_make(v, child))
		return 0;
	core_exit(v, child, NULL, NULL);
	return -ENOMEM;
}

int vmm_exit(struct vmm *v, uint32_t pid)
{
	struct process *p = process_find(v, pid);

	if (!p || !p->exists)
		return -ESRCH;
	core_exit(v, pid, NULL, NULL);
	core_thread_exit(v, pid);
	if (v->prefetcher)
		prefetch_space_exit(&v->prefetcher->detector, pid);
	if (v->physical)
		physical_exit(v, pid);
	p->exists = false;
	return 0;
}

int vmm_create_shared(struct vmm *v, uint64_t bytes, uint32_t *object)
{
	struct object *o;

	if (bytes == 0)
		return -EINVAL;
	o = object_create(v, ((bytes - 1) >> v->page_shift) + 1);
	if (!o)
		return -ENOMEM;
	*object = o->key.id;
	return 0;
}

int vmm_attach_shared(struct vmm *v, uint32_t pid, uint32_t object, uint64_t addr)
{
	const struct vmm_mapping m = { .backing = VMM_SHARED, .object = object };
	const struct object *o = object_find(v, object, false);
	uint64_t vpn = addr >> v->page_shift;
	int err;

	if (!o || !o->pages)
		return -ENOENT;
	if (o->pages - 1 > (UINT64_MAX >> v->page_shift) - vpn)
		return -EINVAL;
	if (!process_make(v, pid))
		return -ENOMEM;
	err = core_map(v, pid, vpn, o->pages, &m, true, NULL, NULL);
	if (err)
		return err;
	feature(v, FEATURE_OBJECTS);
	v->stats.shared_attached++;
	return 0;
}

int vmm_detach_shared(struct vmm *v, uint32_t pid, uint64_t addr)
{
	uint64_t vpn = addr >> v->page_shift, n = core_attached(v, pid, vpn);

	if (!n)
		return -EINVAL;
	return core_unmap(v, pid, vpn, n, REMOVE_UNMAP, NULL, NULL);
}

/* Counters that mean something only after such events: any of the features. */
static const struct {
	const char *name; /* or how it begins, with a '*' at the end */
	uint32_t features;
} counters_of[] = {
	{ "faults_cow*", FEATURE_FORKS | FEATURE_FILES },
	{ "cow_copies", FEATURE_FORKS | FEATURE_FILES },
	{ "cow_pages_saved", FEATURE_FORKS },
	{ "faults_minor", FEATURE_FORKS | FEATURE_OBJECTS },
	{ "faults_file", FEATURE_FILES },
	{ "file_*", FEATURE_FILES },
	{ "anon_faults", FEATURE_FILES },
	{ "shared_*", FEATURE_OBJECTS },
};

bool events_counter_applies(const struct vmm *v, const char *name)
{
	for (size_t i = 0; i < sizeof(counters_of) / sizeof(counters_of[0]); i++) {
		size_t n = strcspn(counters_of[i].name, "*");

		if (!strncmp(name, counters_of[i].name, n + !counters_of[i].name[n]))
			return v->features & counters_of[i].features;
	}
	return true;
}
