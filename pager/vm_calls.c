/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm_calls.c - the syscalls that change an address space (H7), one function each.
 *
 * Rule: whatever touches managed memory is executed by the agent here and now, and the books are changed in the same breath, so
 * that no fault and no eviction can fall between the two. What touches none of it is continued. File and shared mappings are made by
 * the caller itself, after the managed range that they replace has been dropped and unregistered (H4). Calls that would populate
 * memory lose that part: pages come by faults (H5).
 *
 * Without an agent (a fork child before its hello, or one that cannot have any) the range is given up instead: its stored pages are
 * loaded where their content must survive, it is unregistered, and the caller's own call goes on.
 */
#include "pager/pager.h"
#include "pager/compat.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static int64_t by_agent(struct space *s, const struct seccomp_notif *n, const uint64_t arg[6])
{
	int64_t res;

	agent_syscall(s, n->data.nr, arg, &res);
	return res;
}

static bool answer(struct space *s, const struct seccomp_notif *n, int64_t value)
{
	notif_return(s->pager, n, value);
	return true;
}

static bool failed(int64_t v)
{
	return v < 0 && v > -4096;
}

static bool bad_range(uint64_t addr, uint64_t len)
{
	return addr % VMM_PAGE || !len || addr + page_up(len) < addr;
}

static bool call_mmap(struct space *s, const struct seccomp_notif *n)
{
	const uint64_t *a = (const uint64_t *)n->data.args;
	uint64_t addr = a[0], len = page_up(a[1]), flags = a[3], arg[6];
	bool fixed = (flags & MAP_FIXED) && (flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE;
	bool replaces = fixed && !bad_range(addr, a[1]) &&
			regions_overlap(&s->regions, addr, addr + len);
	bool take = (flags & MAP_TYPE) == MAP_PRIVATE && (flags & MAP_ANONYMOUS) &&
		    !(flags & (MAP_GROWSDOWN | MAP_HUGETLB)) &&
		    (s->pager->config->regions & REGION_ANON) &&
		    len >= s->pager->config->anon_min_bytes && len && !s->whole;
	int64_t res;

	if (replaces)
		space_unmanage(s, addr, addr + len);
	if (!take || !s->agent.ready)
		return false;
	memcpy(arg, a, sizeof(arg));
	arg[3] &= ~(uint64_t)(MAP_POPULATE | MAP_LOCKED);
	res = by_agent(s, n, arg);
	if (!failed(res))
		space_manage(s, (uint64_t)res, (uint64_t)res + len, (int)a[2], KIND_ANON);
	return answer(s, n, res);
}

static bool call_munmap(struct space *s, const struct seccomp_notif *n)
{
	const uint64_t *a = (const uint64_t *)n->data.args;
	uint64_t end = a[0] + page_up(a[1]);
	int64_t res;

	if (bad_range(a[0], a[1]) || !regions_overlap(&s->regions, a[0], end))
		return false;
	if (!s->agent.ready) {
		space_unmanage(s, a[0], end);
		return false;
	}
	res = by_agent(s, n, a);
	if (!res) {
		space_drop(s, a[0], end);
		regions_remove(&s->regions, a[0], end);
	}
	return answer(s, n, res);
}

/*
 * The kernel keeps the registration of what it moves only because EVENT_REMAP is on. Without it the moved mapping, already merged with
 * its registered neighbours, would lose the registration of all of them. The agent blocks in mremap until the event is read:
 * agent_run reads while it waits.
 *
 * The part of the books that a successful mremap moves. DONTUNMAP leaves an empty old range.
 */
static void moved(struct space *s, uint64_t from, uint64_t to, uint64_t old_len, uint64_t new_len,
		  uint64_t flags)
{
	uint64_t keep = old_len < new_len ? old_len : new_len;
	struct regions old = { 0 };
	struct region part;
	uint32_t i = 0;

	if (regions_copy(&old, &s->regions) < 0)
		fatal(s->pager, "out of memory for the table of ranges");
	if (to != from) {
		space_drop(s, to, to + new_len);
		regions_remove(&s->regions, to, to + new_len);
		core_remap(s->core, 0, from / VMM_PAGE, to / VMM_PAGE, keep / VMM_PAGE);
		space_drop(s, from, from + old_len);
		if (!(flags & MREMAP_DONTUNMAP))
			regions_remove(&s->regions, from, from + old_len);
	} else if (new_len < old_len) {
		space_drop(s, from + new_len, from + old_len);
		regions_remove(&s->regions, from + new_len, from + old_len);
	}
	while (regions_next(&old, from, from + old_len, &i, &part)) {
		uint64_t start = to + (part.start - from), end = to + (part.end - from);

		if (part.end == from + old_len && new_len > old_len)
			end = to + new_len;
		if (end > to + new_len)
			end = to + new_len;
		if (start >= end)
			continue;
		space_manage(s, start, end, part.prot, (enum region_kind)part.kind);
		if (part.flags)
			regions_flag(&s->regions, start, end, part.flags, 0);
	}
	record_moved(s, to, to + new_len);
	regions_destroy(&old);
}

struct pieces {
	struct space *s;
	const struct seccomp_notif *n;
	int64_t res;
};

/* One mapping of a range that is moved whole: kernels since 6.17 move several at once, but not where a userfaultfd is registered. */
static int move_piece(void *arg, uint64_t start, uint64_t end)
{
	struct pieces *p = arg;
	const uint64_t *a = (const uint64_t *)p->n->data.args;
	uint64_t to = a[4] + (start - a[0]), one[6] = { start, end - start, end - start, a[3], to };

	p->res = by_agent(p->s, p->n, one);
	if (failed(p->res))
		return 1;
	moved(p->s, start, to, end - start, end - start, a[3]);
	return 0;
}

static bool call_mremap(struct space *s, const struct seccomp_notif *n)
{
	const uint64_t *a = (const uint64_t *)n->data.args;
	uint64_t old_len = page_up(a[1]), new_len = page_up(a[2]);
	bool to_managed = (a[3] & MREMAP_FIXED) &&
			  regions_overlap(&s->regions, a[4], a[4] + new_len);
	int64_t res;

	if (a[0] % VMM_PAGE || !new_len || !old_len)
		return false;
	if (!regions_overlap(&s->regions, a[0], a[0] + old_len)) {
		if (to_managed)
			space_unmanage(s, a[4], a[4] + new_len);
		return false;
	}
	if (!s->agent.ready) {
		if (to_managed)
			space_unmanage(s, a[4], a[4] + new_len);
		space_load(s, a[0], a[0] + old_len);
		space_unmanage(s, a[0], a[0] + old_len);
		return false;
	}
	if ((a[3] & MREMAP_FIXED) && old_len == new_len && !(a[4] % VMM_PAGE) &&
	    s->pager->mremap_many) {
		struct pieces p = { s, n, 0 };

		if (space_mappings(s, a[0], a[0] + old_len, NULL, NULL) > 1) {
			space_mappings(s, a[0], a[0] + old_len, move_piece, &p);
			return answer(s, n, failed(p.res) ? p.res : (int64_t)a[4]);
		}
	}
	res = by_agent(s, n, a);
	if (!failed(res))
		moved(s, a[0], (uint64_t)res, old_len, new_len, a[3]);
	return answer(s, n, res);
}

static bool call_brk(struct space *s, const struct seccomp_notif *n)
{
	const uint64_t *a = (const uint64_t *)n->data.args;
	struct region *g;
	uint64_t from, to;
	int64_t res;
	int prot = PROT_READ | PROT_WRITE;

	if (!s->brk_start || a[0] < s->brk_start)
		return false; /* a question, or a heap that is not paged */
	if (!s->agent.ready) {
		if (a[0] < s->brk_end)
			space_unmanage(s, page_up(a[0]), page_up(s->brk_end));
		s->brk_end = s->brk_end < a[0] ? s->brk_end : a[0];
		return false;
	}
	res = by_agent(s, n, a);
	if ((uint64_t)res != a[0])
		return answer(s, n, res);
	from = page_up(s->brk_end);
	to = page_up(a[0]);
	g = regions_find(&s->regions, s->brk_start);
	if (g)
		prot = g->prot;
	if (to > from) {
		space_manage(s, from, to, prot, KIND_HEAP);
	} else if (to < from) {
		space_drop(s, to, from);
		regions_remove(&s->regions, to, from);
	}
	s->brk_end = a[0];
	return answer(s, n, res);
}

static bool call_mprotect(struct space *s, const struct seccomp_notif *n)
{
	const uint64_t *a = (const uint64_t *)n->data.args;
	uint64_t end = a[0] + page_up(a[1]);
	int64_t res;

	if (bad_range(a[0], a[1]) || !regions_overlap(&s->regions, a[0], end))
		return false;
	if (!s->agent.ready) {
		regions_protect(&s->regions, a[0], end, (int)a[2]); /* nobody evicts by it */
		return false;
	}
	res = by_agent(s, n, a);
	if (!res)
		regions_protect(&s->regions, a[0], end, (int)a[2]);
	else if (res == -ENOMEM ||
		 res == -EACCES) /* a hole behind: the part before it was changed */
		space_reread(s, a[0], end);
	return answer(s, n, res);
}

/* DONTNEED, FREE and what else empties pages. FREE may drop at once: that is one of its outcomes. */
static bool discard(struct space *s, const struct seccomp_notif *n, uint64_t advice)
{
	const uint64_t *a = (const uint64_t *)n->data.args;
	uint64_t arg[6] = { a[0], a[1], advice }, end = a[0] + page_up(a[1]);
	int64_t res;

	if (!s->agent.ready) {
		space_discard(s, a[0], end);
		s->zapped = true;
		return false;
	}
	res = by_agent(s, n, arg);
	if (!res || res == -ENOMEM)
		space_discard(s, a[0], end);
	return answer(s, n, res);
}

static bool call_madvise(struct space *s, const struct seccomp_notif *n)
{
	const uint64_t *a = (const uint64_t *)n->data.args;
	uint64_t end = a[0] + page_up(a[1]);

	if (bad_range(a[0], a[1]) || !regions_overlap(&s->regions, a[0], end))
		return false;
	switch (a[2]) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_GUARD_INSTALL:
		return discard(s, n, a[2]);
	case MADV_FREE:
		return discard(s, n, MADV_DONTNEED);
	case MADV_DONTFORK:
		regions_flag(&s->regions, a[0], end, REGION_DONTFORK, 0);
		return false;
	case MADV_DOFORK:
		regions_flag(&s->regions, a[0], end, 0, REGION_DONTFORK);
		return false;
	case MADV_WIPEONFORK:
		regions_flag(&s->regions, a[0], end, REGION_WIPEONFORK, 0);
		return false;
	case MADV_KEEPONFORK:
		regions_flag(&s->regions, a[0], end, 0, REGION_WIPEONFORK);
		return false;
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_COLLAPSE:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_WILLNEED:
		return answer(s, n, 0); /* hints that the pager replaces */
	default:
		return false;
	}
}

/* Locking is granted on paper: a simulated memory has its own idea of what stays. What the program may lock is checked as the kernel
 * would. */
static bool call_mlock(struct space *s, struct process *pr, const struct seccomp_notif *n)
{
	const uint64_t *a = (const uint64_t *)n->data.args;
	bool all = n->data.nr == SYS_mlockall;
	uint64_t len = all ? VMM_PAGE : page_up(a[1]);
	struct rlimit lim;

	if (!all && (!len || !regions_overlap(&s->regions, page_down(a[0]), page_up(a[0] + a[1]))))
		return false;
	if (all && (!(a[0] & 3) || a[0] > 7))
		return false;
	if (!process_may_lock(pr->pid) && prlimit(pr->pid, RLIMIT_MEMLOCK, NULL, &lim) == 0 &&
	    len > lim.rlim_cur)
		return answer(s, n, lim.rlim_cur ? -ENOMEM : -EPERM);
	if (!s->told_mlock)
		msg(s->pager,
		    "process %d (%s): locked memory is paged all the same (mlock answered, not carried out)",
		    pr->pid, pr->comm);
	s->told_mlock = true;
	return answer(s, n, 0);
}

/* The caller attaches the segment itself; with SHM_REMAP it may replace a managed range. */
static bool call_shmat(struct space *s, const struct seccomp_notif *n)
{
	uint64_t addr = page_down(n->data.args[1]);
	struct shmid_ds ds;

	if ((n->data.args[2] & SHM_REMAP) && addr &&
	    shmctl((int)n->data.args[0], IPC_STAT, &ds) == 0 &&
	    regions_overlap(&s->regions, addr, addr + page_up(ds.shm_segsz)))
		space_unmanage(s, addr, addr + page_up(ds.shm_segsz));
	return false;
}

bool vm_call(struct space *s, struct process *pr, const struct seccomp_notif *n)
{
	switch (n->data.nr) {
	case SYS_mmap:
		return call_mmap(s, n);
	case SYS_munmap:
		return call_munmap(s, n);
	case SYS_mremap:
		return call_mremap(s, n);
	case SYS_brk:
		return call_brk(s, n);
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		return call_mprotect(s, n);
	case SYS_madvise:
		return call_madvise(s, n);
	case SYS_process_madvise:
		if (n->data.args[3] == MADV_DONTNEED || n->data.args[3] == MADV_FREE ||
		    n->data.args[3] >= MADV_GUARD_INSTALL)
			return answer(s, n, -EINVAL); /* as kernels before 6.13 */
		return false;
	case SYS_mlock:
	case SYS_mlock2:
	case SYS_mlockall:
		return call_mlock(s, pr, n);
	case SYS_shmat:
		return call_shmat(s, n);
	default:
		return false;
	}
}
