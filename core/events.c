/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - what happens to address spaces besides references (vmm.h), for the simulator: each event becomes calls of
 * the core, which needs no driver for them. What a dirty page of a file would have to be written is counted there.
 */
#include "core/core_internal.h"
#include "core/process.h"

#include <errno.h>

/* The pages that hold any of the bytes. */
static int range_of(const struct vmm *v, uint64_t addr, uint64_t bytes, uint64_t *vpn, uint64_t *n)
{
	if (bytes == 0 || bytes - 1 > UINT64_MAX - addr)
		return -EINVAL;
	*vpn = addr >> v->page_shift;
	*n = ((addr + (bytes - 1)) >> v->page_shift) - *vpn + 1;
	return 0;
}

int vmm_map(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes,
	    const struct vmm_mapping *mapping)
{
	(void)v, (void)pid, (void)addr, (void)bytes, (void)mapping;
	return -ENOSYS;
}

int vmm_unmap(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes)
{
	uint64_t vpn, n;
	int err = range_of(v, addr, bytes, &vpn, &n);

	if (!err)
		core_unmap(v, pid, vpn, n, REMOVE_UNMAP, NULL, NULL);
	return err;
}

int vmm_discard(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes)
{
	return vmm_unmap(v, pid, addr, bytes);
}

int vmm_sync(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes)
{
	(void)v, (void)pid, (void)addr, (void)bytes;
	return -ENOSYS;
}

int vmm_fork(struct vmm *v, uint32_t parent, uint32_t child)
{
	(void)v, (void)parent, (void)child;
	return -ENOSYS;
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
	(void)v, (void)bytes, (void)object;
	return -ENOSYS;
}

int vmm_attach_shared(struct vmm *v, uint32_t pid, uint32_t object, uint64_t addr)
{
	(void)v, (void)pid, (void)object, (void)addr;
	return -ENOSYS;
}

int vmm_detach_shared(struct vmm *v, uint32_t pid, uint64_t addr)
{
	(void)v, (void)pid, (void)addr;
	return -ENOSYS;
}
