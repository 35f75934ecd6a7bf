/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space.c - one address space: from the hello of a new image, or the fork event, to the end of its mm.
 *
 *   hello   (space_hello)   take over the userfaultfd, register what the program has mapped so far (maps.c), adopt present pages
 *   fork    (space_forked)  copy the parent's books (fork.c)
 *   end     (space_free)
 *
 * Each space has a core of its own: `frames` is the limit of each process until the tree shares one pool.
 */
#include "pager/pager.h"
#include "pager/compat.h"
#include "pager/uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct space *space_by_id(struct pager *p, uint32_t id)
{
	struct space *s;

	for (s = p->spaces; s && s->id != id; s = s->next)
		;
	return s;
}

struct space *space_new(struct pager *p)
{
	struct vmm_config c = { .size = sizeof(c),
				.frames = p->frames,
				.batch = p->batch,
				.window = p->window,
				.flags = VMM_FLAG_LIVE | VMM_FLAG_TIME_FAULTS | VMM_FLAG_PROBATION,
				.seed = p->config->seed,
				.policy = p->config->policy,
				.prefetch = p->config->prefetch };
	struct space *s = calloc(1, sizeof(*s));

	if (!s)
		fatal(p, "out of memory for an address space");
	s->track_dirty = p->config->exact || p->needs_dirty || p->record;
	if (s->track_dirty)
		c.flags |= VMM_FLAG_TRACK_DIRTY;
	if (!p->config->exact)
		c.flags |= VMM_FLAG_MAP_AHEAD;
	s->core = vmm_create(&c);
	if (!s->core)
		fatal(p, "the core cannot be set up for %u frames: %s", p->frames, strerror(errno));
	s->pager = p;
	s->id = s->family = ++p->next_space;
	s->uffd = s->mem_fd = s->pagemap_fd = s->agent.ring_fd = -1;
	s->agent.doorbell[0] = s->agent.doorbell[1] = -1;
	s->spurious_page = VMM_NONE;
	s->next = p->spaces;
	p->spaces = s;
	return s;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int forget(void *arg, uint32_t id, const struct page *page)
{
	space_gone(arg, id, page);
	return 0;
}

void space_free(struct space *s)
{
	struct pager *p = s->pager;
	struct space **at = &p->spaces;
	struct process *pr, *next;
	uint32_t i;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	HASH_ITER(hh, p->processes, pr,
		  next) /* the mm may be gone before the news of its last process */
	if (pr->space == s)
		pr->space = NULL;
	HASH_FIND_INT(p->processes, &s->stats_pid, pr);
	vm_stats_add(pr ? &pr->stats : &p->result->stats, core_stats(s->core));
	for (i = 0; i < s->regions.n; i++)
		report_region(p, &s->regions.v[i]);
	core_each(s->core, forget, s);
	record_exit(s);
	if (p->hot == s)
		p->hot = NULL;
	if (s->uffd >= 0)
		loop_forget(p, s->uffd);
	close_fd(s->uffd);
	close_fd(s->mem_fd);
	close_fd(s->pagemap_fd);
	close_fd(s->agent.ring_fd);
	close_fd(s->agent.doorbell[0]);
	close_fd(s->agent.doorbell[1]);
	if (s->agent.ring)
		munmap(s->agent.ring, sizeof(*s->agent.ring));
	vmm_destroy(s->core);
	regions_destroy(&s->regions);
	free(s->live);
	free(s->queue);
	free(s->deferred);
	free(s->pins);
	free(s->forking_kids);
	free(s);
}

struct live *space_live(struct space *s, uint32_t page)
{
	if (page >= s->live_cap) {
		uint32_t cap = s->live_cap ? s->live_cap : 1024, i;
		struct live *l;

		while (cap <= page)
			cap *= 2;
		l = realloc(s->live, cap * sizeof(*l));
		if (!l)
			fatal(s->pager, "out of memory for the table of pages");
		for (i = s->live_cap; i < cap; i++)
			l[i] = (struct live){ NO_SLOT, NO_SLOT, 0 };
		s->live = l;
		s->live_cap = cap;
	}
	return &s->live[page];
}

void space_gone(void *arg, uint32_t id, const struct page *page)
{
	struct space *s = arg;
	struct live *l = space_live(s, id);

	if (page->frame != VMM_NONE && frame_pinned(core_frames(s->core), page->frame))
		pins_forget(s, id);
	record_gone(s, page);
	if (l->slot != NO_SLOT)
		s->pager->store_ops->unref(s->pager->store, l->slot);
	idle_forget(s, l);
	*l = (struct live){ NO_SLOT, NO_SLOT, 0 };
}

/* Runs of present pages, either those that map the kernel's zero page or all others. */
static int scan(struct space *s, bool zero_page, uint64_t start, uint64_t end,
		int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
	struct page_region v[256];
	struct pm_scan_arg a = { .size = sizeof(a),
				 .start = start,
				 .end = end,
				 .vec = (uintptr_t)v,
				 .vec_len = 256,
				 .category_inverted = zero_page ? 0 : PAGE_IS_PFNZERO,
				 .category_mask = PAGE_IS_PRESENT | PAGE_IS_PFNZERO,
				 .return_mask = PAGE_IS_PRESENT };

	while (s->pagemap_fd >= 0 && a.start < end) {
		int i, n = ioctl(s->pagemap_fd, PAGEMAP_SCAN, &a);

		if (n < 0)
			return 0;
		for (i = 0; i < n; i++) {
			int rc = fn(arg, v[i].start, v[i].end);

			if (rc)
				return rc;
		}
		a.start = a.walk_end;
	}
	return 0;
}

/* fn for every present run of [start, end), the zero page left out. Stops at the first non-zero, which is returned. */
int present_each(struct space *s, uint64_t start, uint64_t end,
		 int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg)
{
	return scan(s, false, start, end, fn, arg);
}

/* A write to the zero page would take a frame without a fault: it goes, and the page is zero-filled when it is used again. */
static int drop_zero_run(void *arg, uint64_t start, uint64_t end)
{
	uint64_t a[6] = { start, end - start, MADV_DONTNEED };
	int64_t res;

	return agent_syscall(arg, SYS_madvise, a, &res);
}

static int adopt_run(void *arg, uint64_t start, uint64_t end)
{
	struct space *s = arg;
	uint32_t page;

	for (; start < end; start += VMM_PAGE) {
		/* Known already; or evicted since this run was listed, to make room for one before it. */
		if (core_find(s->core, 0, start / VMM_PAGE) != VMM_NONE)
			continue;
		if (s->agent.ready && plan_room(s) < 0)
			return 1;
		if (!core_adopt(s->core, 0, start / VMM_PAGE, 0, FRAME_REF | FRAME_DIRTY, &page))
			record_present(s, start);
	}
	return 0;
}

/* Registers [start, end) and takes over what is already present there. */
int space_manage(struct space *s, uint64_t start, uint64_t end, int prot, enum region_kind kind)
{
	struct region g = {
		.start = start, .end = end, .prot = (uint8_t)(prot & 7), .kind = (uint8_t)kind
	};
	int rc = uffd_register(s->uffd, start, end - start, s->track_dirty);

	if (rc)
		return rc;
	if (regions_add(&s->regions, g) < 0)
		fatal(s->pager, "out of memory for the table of ranges");
	record_range(s, TRACE_MAP, start, end);
	return 0;
}

void space_discard(struct space *s, uint64_t start, uint64_t end)
{
	record_range(s, TRACE_DISCARD, start, end);
	core_discard(s->core, 0, start / VMM_PAGE, (end - start) / VMM_PAGE, space_gone, s);
}

void space_drop(struct space *s, uint64_t start, uint64_t end)
{
	record_range(s, TRACE_UNMAP, start, end);
	core_unmap(s->core, 0, start / VMM_PAGE, (end - start) / VMM_PAGE, REMOVE_UNMAP, space_gone,
		   s);
}

void space_unmanage(struct space *s, uint64_t start, uint64_t end)
{
	struct region part;
	uint32_t i = 0;

	space_drop(s, start, end);
	while (regions_next(&s->regions, start, end, &i, &part))
		uffd_unregister(s->uffd, part.start, part.end - part.start);
	if (regions_remove(&s->regions, start, end) < 0)
		fatal(s->pager, "out of memory for the table of ranges");
}

void space_load(struct space *s, uint64_t start, uint64_t end)
{
	struct region part;
	uint32_t i = 0, id;
	uint64_t a;

	while (regions_next(&s->regions, start, end, &i, &part))
		for (a = part.start; a < part.end; a += VMM_PAGE) {
			id = core_find(s->core, 0, a / VMM_PAGE);
			if (id != VMM_NONE && core_page(s->core, id)->state != PAGE_MAPPED &&
			    core_page(s->core, id)->state != PAGE_ABSENT)
				fault_resident(s, a, false);
		}
}

static int valid_hello(const struct vmm_hello *h)
{
	uint64_t run = (uint64_t)VMM_RUN_MAX * VMM_PAGE;

	if (h->version != VMM_PROTOCOL_VERSION || h->ring_bytes != sizeof(struct vmm_ring))
		return -EPROTO;
	if ((h->ring | h->staging[0] | h->staging[1] | h->stack) % VMM_PAGE ||
	    h->stack_bytes % VMM_PAGE || h->stack_bytes > 1 << 20)
		return -EPROTO;
	return h->staging[0] + run != h->staging[1] ? -EPROTO : 0;
}

static int open_proc(pid_t pid, const char *what, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return open(path, flags | O_CLOEXEC);
}

void space_adopt(struct space *s)
{
	struct region part;
	uint32_t i = 0;

	while (regions_next(&s->regions, 0, UINT64_MAX, &i, &part))
		if (scan(s, true, part.start, part.end, drop_zero_run, s) ||
		    present_each(s, part.start, part.end, adopt_run, s))
			break;
}

int space_hello(struct space *s, struct process *pr, const struct vmm_hello *h)
{
	int rc = valid_hello(h);

	if (rc)
		return rc;
	s->agent.ring_addr = h->ring;
	s->agent.staging[0] = h->staging[0];
	s->agent.staging[1] = h->staging[1];
	s->agent.stack = h->stack;
	s->agent.stack_bytes = h->stack_bytes;
	s->agent.quiet_addr = h->quiet;
	s->agent.pid = pr->pid;
	s->agent.tid = h->agent_tid;
	if (s->mem_fd < 0)
		s->mem_fd = open_proc(pr->pid, "mem", O_RDWR);
	if (s->pagemap_fd < 0)
		s->pagemap_fd = open_proc(pr->pid, "pagemap", O_RDONLY);
	if (s->mem_fd < 0 || s->pagemap_fd < 0)
		return -EACCES;
	/* Staging is registered like what is moved into it, or the kernel refuses the move. */
	rc = uffd_register(s->uffd, h->staging[0], 2ull * VMM_RUN_MAX * VMM_PAGE, s->track_dirty);
	if (rc)
		return rc;
	s->agent.ready = true;
	s->stats_pid = pr->pid;
	if (!h->forked) {
		rc = space_take(s, pr->pid);
		if (!s->brk_start && (s->pager->config->regions & REGION_HEAP)) {
			uint64_t arg[6] = { 0 };
			int64_t brk;

			if (agent_syscall(s, SYS_brk, arg, &brk) == 0 && brk > 0)
				s->brk_start = s->brk_end = (uint64_t)brk;
		}
	}
	space_adopt(s);
	return rc;
}

int space_make_ring(struct space *s)
{
	struct agent *a = &s->agent;
	int i;

	for (i = 0; i < 2; i++)
		close_fd(a->doorbell[i]);
	close_fd(a->ring_fd);
	if (a->ring)
		munmap(a->ring, sizeof(*a->ring));
	a->ring = NULL;
	a->doorbell[0] = a->doorbell[1] = -1;
	a->ring_fd = memfd_create("vmm-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (a->ring_fd < 0 || ftruncate(a->ring_fd, sizeof(*a->ring)) < 0 ||
	    fcntl(a->ring_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
	    pipe2(a->doorbell, O_CLOEXEC) < 0)
		return -errno;
	a->ring = mmap(NULL, sizeof(*a->ring), PROT_READ | PROT_WRITE, MAP_SHARED, a->ring_fd, 0);
	if (a->ring == MAP_FAILED) {
		a->ring = NULL;
		return -errno;
	}
	a->ring->version = VMM_PROTOCOL_VERSION;
	a->ring->cookie = s->pager->cookie ^ s->id;
	return 0;
}

/* The ring is mapped in no other mm: fork leaves it out, exec drops it. */
bool space_is_mm_of(struct space *s, pid_t pid)
{
	uint64_t cookie = 0;
	struct iovec local = { &cookie, sizeof(cookie) };
	struct iovec remote = { (void *)(uintptr_t)(s->agent.ring_addr +
						    offsetof(struct vmm_ring, cookie)),
				sizeof(cookie) };

	return s->agent.ring_addr &&
	       process_vm_readv(pid, &local, 1, &remote, 1, 0) == sizeof(cookie) &&
	       cookie == (s->pager->cookie ^ s->id);
}

/* Content of a managed page that is not mapped, or NULL when the program's own mapping has it. */
static const uint8_t *unmapped_content(struct space *s, uint64_t addr)
{
	static const uint8_t zeros[VMM_PAGE];
	uint32_t id;
	struct live *l;

	if (!regions_find(&s->regions, addr))
		return NULL;
	id = core_find(s->core, 0, addr / VMM_PAGE);
	if (id == VMM_NONE)
		return s->agent.ready ? zeros : NULL;
	if (core_page(s->core, id)->state == PAGE_MAPPED)
		return NULL;
	l = space_live(s, id);
	if (l->buf != NO_SLOT)
		return idle_content(s, id);
	return l->slot != NO_SLOT ? page_copy(s, id) : zeros;
}

/* Copies from the program without ever waiting for a fault of ours. 0 or -EFAULT. */
int space_read(struct space *s, pid_t pid, uint64_t addr, void *buf, size_t len)
{
	char *out = buf;

	while (len) {
		size_t in = addr % VMM_PAGE, n = VMM_PAGE - in < len ? VMM_PAGE - in : len;
		const uint8_t *page = s ? unmapped_content(s, addr - in) : NULL;
		struct iovec local = { out, n }, remote = { (void *)(uintptr_t)addr, n };

		if (page)
			memcpy(out, page + in, n);
		else if (s && s->mem_fd >= 0
				 ? pread(s->mem_fd, out, n, (off_t)addr) != (ssize_t)n
				 : process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)n)
			return -EFAULT;
		addr += n;
		out += n;
		len -= n;
	}
	return 0;
}

int space_write(struct space *s, pid_t pid, uint64_t addr, const void *buf, size_t len)
{
	const char *in = buf;

	while (len) {
		size_t off = addr % VMM_PAGE, n = VMM_PAGE - off < len ? VMM_PAGE - off : len;
		struct iovec local = { (void *)in, n }, remote = { (void *)(uintptr_t)addr, n };

		if (s && regions_find(&s->regions, addr)) {
			struct region *g = regions_find(&s->regions, addr);

			/* Resident first: this very thread would have to serve the fault of the copy. */
			if (!(g->prot & PROT_WRITE) || fault_resident(s, addr, true) < 0)
				return -EFAULT;
		}
		if (process_vm_writev(pid, &local, 1, &remote, 1, 0) != (ssize_t)n)
			return -EFAULT;
		addr += n;
		in += n;
		len -= n;
	}
	return 0;
}
