/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - what happens to address spaces besides references (vmm.h): not there yet. */
#include "core/vmm.h"

#include <errno.h>
#include <stddef.h>

int vmm_map(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes,
	    const struct vmm_mapping *mapping)
{
	(void)v, (void)pid, (void)addr, (void)bytes, (void)mapping;
	return -ENOSYS;
}

int vmm_unmap(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes)
{
	(void)v, (void)pid, (void)addr, (void)bytes;
	return -ENOSYS;
}

int vmm_discard(struct vmm *v, uint32_t pid, uint64_t addr, uint64_t bytes)
{
	(void)v, (void)pid, (void)addr, (void)bytes;
	return -ENOSYS;
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
	(void)v, (void)pid;
	return -ENOSYS;
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

uint32_t vmm_processes(const struct vmm *v, uint32_t *pids, uint32_t max)
{
	(void)v, (void)pids, (void)max;
	return 0;
}

const struct vm_stats *vmm_process_stats(const struct vmm *v, uint32_t pid)
{
	(void)v, (void)pid;
	return NULL;
}
