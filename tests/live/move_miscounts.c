/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move_miscounts.c - the agent against a kernel that moves pages and says that it has not.
 *
 * Linux 6.18 does: when the accessed bit of a page changes during UFFDIO_MOVE, the EAGAIN of the first try is kept, the second try
 * moves the page, and a third one finds the destination taken: EEXIST, or a count without the pages of the second try. It takes
 * a race of nanoseconds, so the gate of this program lies the same way on demand, around the real ioctl.
 */
#include "preload/agent.c"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PAGES 16u
#define FEATURE_MOVE (1u << 16)

/* What the next UFFDIO_MOVE says: `counted` pages moved, when really `hidden` more did. -1: the truth. */
static int counted = -1, hidden;
static int lies;

static long fake_gate(long nr, long a, long b, long c, long d, long e, long f)
{
	struct move_args *mv = (struct move_args *)c, real;
	long rc;

	if (nr != SYS_ioctl || (unsigned long)b != IOC_MOVE || counted < 0)
		return raw_syscall(nr, a, b, c, d, e, f);
	real = *mv;
	real.len = (uint64_t)(counted + hidden) * VMM_PAGE;
	real.mode = 1; /* DONTWAKE: on its error path the kernel wakes nobody */
	if (real.len && (rc = raw_syscall(nr, a, b, (long)&real, d, e, f)) != 0)
		return rc;
	mv->moved = counted ? counted * (long)VMM_PAGE : -EEXIST;
	rc = counted ? -EAGAIN : -EEXIST;
	counted = -1;
	lies++;
	return rc;
}

static void map_gate_page(void)
{
	unsigned char code[12] = { 0x48, 0xb8 }; /* mov $fake_gate,%rax; jmp *%rax */
	void *p = mmap((void *)VMM_GATE_ADDR, VMM_GATE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	uint64_t to = (uintptr_t)fake_gate;

	if (p != (void *)VMM_GATE_ADDR) {
		perror("gate");
		exit(1);
	}
	memcpy(code + 2, &to, 8);
	code[10] = 0xff;
	code[11] = 0xe0;
	memcpy(p, code, sizeof(code));
}

static int uffd;
static uint8_t *region;
static struct agent_info in;
static int failures;

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			printf("%s:%d: %s\n", __func__, __LINE__, #x);                             \
			failures++;                                                                \
		}                                                                                  \
	} while (0)

static void *map_registered(size_t bytes)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(p, bytes, MADV_NOHUGEPAGE);
	reg.range.start = (uintptr_t)p;
	reg.range.len = bytes;
	if (p == MAP_FAILED || ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		perror("register");
		exit(1);
	}
	return p;
}

/* Page i holds the byte 'a' + i. */
static void fill_region(void)
{
	static uint8_t page[VMM_PAGE];

	for (uint32_t i = 0; i < PAGES; i++) {
		struct uffdio_copy cp = { .dst = (uintptr_t)region + i * VMM_PAGE,
					  .src = (uintptr_t)page,
					  .len = VMM_PAGE };

		memset(page, 'a' + (int)i, sizeof(page));
		madvise(region + i * VMM_PAGE, VMM_PAGE, MADV_DONTNEED);
		if (ioctl(uffd, UFFDIO_COPY, &cp)) {
			perror("copy");
			exit(1);
		}
	}
}

static void command(uint32_t n, uint64_t fill_addr, int c, int h)
{
	struct vmm_ring *r = in.ring;

	memset(r->page, 0, sizeof(r->page));
	r->count = n;
	for (uint32_t i = 0; i < n; i++) {
		r->addr[i] = (uintptr_t)region + i * VMM_PAGE;
		r->flags[i] = 0;
		r->status[i] = -ECANCELED;
	}
	r->fill_addr = fill_addr;
	r->fill_wp = 0;
	r->fill_area = 0;
	counted = c;
	hidden = h;
	evict(&in);
}

/* Each page is in exactly one place: in the ring when it is reported as moved, else still mapped. Staging is empty. */
static void check_places(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t want = (uint8_t)('a' + i);
		int moved = in.ring->status[i] == 0;

		CHECK(present((uintptr_t)region + i * VMM_PAGE) == !moved);
		CHECK(!moved ||
		      (in.ring->page[i][0] == want && in.ring->page[i][VMM_PAGE - 1] == want));
		CHECK(moved || region[i * VMM_PAGE] == want);
		CHECK(!present(in.staging[0] + i * VMM_PAGE));
	}
	CHECK(in.ring->staging_status == 0);
}

static void runs(void)
{
	for (int c = -1; c <= 4; c++)
		for (int h = 0; h <= 4; h++) {
			fill_region();
			command(8, 0, c, h);
			check_places(8);
			for (uint32_t i = 0; i < 8 && (c > 0 || h > 0); i++)
				CHECK(in.ring->status[i] == 0); /* the rest goes page by page */
		}
}

/* Refusals that are true: nothing moved, nothing is reported as moved. */
static void refusals(void)
{
	fill_region();
	command(1, 0, 0, 0); /* EEXIST, and the page is where it was */
	check_places(1);
	CHECK(in.ring->status[0] == -EEXIST);
	madvise(region + VMM_PAGE, VMM_PAGE, MADV_DONTNEED); /* a hole */
	command(3, 0, -1, 0);
	CHECK(in.ring->status[0] == 0 && in.ring->status[1] == -ENOENT && in.ring->status[2] == 0);
}

static void *toucher(void *addr)
{
	volatile uint8_t *byte = addr;

	return (void *)(uintptr_t)*byte;
}

/* The victim's frame goes to a page that a thread waits for: it arrives, and the kernel denies it. */
static void reuse(void)
{
	uint8_t *to = region + (PAGES - 1) * VMM_PAGE;
	struct uffd_msg msg;
	pthread_t thread;
	void *seen = NULL;

	fill_region();
	madvise(to, VMM_PAGE, MADV_DONTNEED);
	pthread_create(&thread, NULL, toucher, to);
	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
		exit(1);
	memset(in.ring->fill, 'Z', VMM_PAGE);
	in.ring->fill_addr = (uintptr_t)to;
	counted = -1;
	move_run(&in, in.staging[0], 0, 1, (uintptr_t)region, &(long){ 0 });
	counted = 0;
	hidden = 1;
	CHECK(fill_reuse(&in, in.staging[0]) == 0);
	ioctl(uffd, UFFDIO_WAKE, &(struct uffdio_range){ (uintptr_t)to, VMM_PAGE });
	pthread_join(thread, &seen);
	CHECK((uintptr_t)seen == 'Z');
	CHECK(!present(in.staging[0]));
}

int main(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = FEATURE_MOVE };

	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api)) {
		puts("no userfaultfd with UFFDIO_MOVE here");
		return 77;
	}
	alarm(20);
	map_gate_page();
	region = map_registered(PAGES * VMM_PAGE);
	in.staging[0] = (uintptr_t)map_registered(VMM_RUN_MAX * VMM_PAGE);
	in.staging[1] = in.staging[0];
	in.uffd = uffd;
	in.ring = mmap(NULL, sizeof(*in.ring), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	runs();
	refusals();
	reuse();
	printf("%d lies told, %d failures\n", lies, failures);
	return failures || lies < 20;
}
