/* SPDX-License-Identifier: Apache-2.0 */
/* file_write.c - the file store's writing in the background (file.h). */
#if __has_include(<liburing.h>) && !defined(VMM_WITHOUT_URING)

#include "pager/stores/file.h"

#include <errno.h>
#include <time.h>

#define GROW_MIN 256u /* blocks by which a file grows */
#define GROW_MAX 16384u
#define BLOCKS_MAX (1u << 31)
#define RETRY_NS 1000000000u /* after a failure */

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void note_failure(struct store *s, int err, uint64_t *after_ns)
{
	s->stats.write_errors++;
	s->stats.last_error = err;
	*after_ns = clock_ns() + RETRY_NS;
}

static bool may_try(uint64_t *after_ns)
{
	if (*after_ns && clock_ns() < *after_ns)
		return false;
	*after_ns = 0;
	return true;
}

/* --- the queue --------------------------------------------------------------------------------------------------- */

void file_enqueue(struct store *s, uint32_t slot)
{
	struct file_record *r = file_record(s, slot);

	r->state = QUEUED;
	r->prev = s->tail;
	r->next = STORE_NONE;
	if (s->tail == STORE_NONE)
		s->head = slot;
	else
		file_record(s, s->tail)->next = slot;
	s->tail = slot;
	s->queued++;
}

static void dequeue(struct store *s, uint32_t slot)
{
	struct file_record *r = file_record(s, slot);

	if (r->prev == STORE_NONE)
		s->head = r->next;
	else
		file_record(s, r->prev)->next = r->next;
	if (r->next == STORE_NONE)
		s->tail = r->prev;
	else
		file_record(s, r->next)->prev = r->prev;
	s->queued--;
}

static void release_page(struct store *s, uint32_t page)
{
	slab_unref(s->pages, page);
	s->buffered--;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

/* More blocks: a share of what there is, or as many as the disk still has. False: none now. */
static bool grow(struct store *s)
{
	uint32_t n = s->blocks.n / 8;
	int rc = -ENOSPC;

	if (!may_try(&s->grow_after_ns))
		return false;
	n = n < GROW_MIN ? GROW_MIN : n > GROW_MAX ? GROW_MAX : n;
	if (s->blocks.n + n > BLOCKS_MAX)
		n = BLOCKS_MAX - s->blocks.n;
	for (; n; n /= 2) {
		rc = disk_grow(&s->disk, file_offset(s, s->blocks.n + n));
		if (!rc)
			rc = blocks_grow(&s->blocks, n);
		if (!rc)
			return true;
	}
	note_failure(s, -rc, &s->grow_after_ns);
	return false;
}

static struct file_run *free_run(struct store *s)
{
	struct file_run *run = s->run;

	while (run->n)
		run++;
	return run;
}

static void prepare(struct store *s, uint32_t block, uint32_t n)
{
	struct file_run *run = free_run(s);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

	run->block = block;
	run->n = n;
	run->direct = s->disk.direct;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = s->head;
		struct file_record *r = file_record(s, slot);

		dequeue(s, slot);
		r->state = WRITING;
		r->run = (uint32_t)(run - s->run);
		r->at = i;
		run->slot[i] = slot;
		run->page[i] = r->page;
		run->iov[i] = (struct iovec){ slab_page(s->pages, r->page), STORE_PAGE };
	}
	io_uring_prep_writev(sqe, s->disk.fd, run->iov, n, file_offset(s, block));
	io_uring_sqe_set_data64(sqe, (uint64_t)(run - s->run));
	s->runs_under_way++;
	s->pages_under_way += n;
}

static void landed(struct store *s, struct file_run *run, uint32_t i)
{
	struct file_record *r;

	if (run->slot[i] == STORE_NONE) {
		blocks_give(&s->blocks, run->block + i);
	} else {
		r = file_record(s, run->slot[i]);
		r->state = ON_DISK;
		r->block = run->block + i;
		r->page = STORE_NONE;
	}
	release_page(s, run->page[i]);
}

static void came_back(struct store *s, struct file_run *run, uint32_t i)
{
	blocks_give(&s->blocks, run->block + i);
	if (run->slot[i] == STORE_NONE)
		release_page(s, run->page[i]);
	else
		file_enqueue(s, run->slot[i]);
}

/* A run is over. What a short write left out is tried again, and the next attempt says why. */
static void run_over(struct store *s, struct file_run *run, int res)
{
	uint32_t written = res > 0 ? (uint32_t)res / STORE_PAGE : 0;

	for (uint32_t i = 0; i < run->n; i++)
		(i < written ? landed : came_back)(s, run, i);
	s->pages_under_way -= run->n;
	s->runs_under_way--;
	run->n = 0;
	if (written || res == -EINTR || res == -EAGAIN)
		return;
	if (res == -EINVAL && run->direct)
		disk_use_page_cache(&s->disk);
	else
		note_failure(s, res < 0 ? -res : ENOSPC, &s->write_after_ns);
}

/* Completions that are there: of runs below FILE_RUNS, of reads from FILE_RUNS on. */
static void reap(struct store *s)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&s->ring, &cqe)) {
		uint64_t which = io_uring_cqe_get_data64(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&s->ring, cqe);
		if (which < FILE_RUNS) {
			run_over(s, &s->run[which], res);
		} else {
			s->read_result[which - FILE_RUNS] = res;
			s->reads_under_way--;
		}
	}
}

int file_enter(struct store *s, unsigned wait_for)
{
	int rc;

	do
		rc = wait_for ? io_uring_submit_and_wait(&s->ring, wait_for)
			      : io_uring_submit_and_get_events(&s->ring);
	while (rc == -EINTR);
	reap(s);
	return rc < 0 && rc != -EAGAIN && rc != -EBUSY ? rc : 0;
}

int file_submit(struct store *s)
{
	bool blocked = !may_try(&s->write_after_ns);
	uint32_t block, n;

	while (!blocked && s->queued && s->runs_under_way < FILE_RUNS &&
	       s->pages_under_way < FILE_UNDER_WAY_MAX) {
		n = s->queued < FILE_RUN_MAX ? s->queued : FILE_RUN_MAX;
		n = blocks_take(&s->blocks, n, &block);
		if (n)
			prepare(s, block, n);
		else
			blocked = !grow(s);
	}
	if (blocked && s->queued > s->stats.kept_pages_peak)
		s->stats.kept_pages_peak = s->queued;
	return s->runs_under_way ? file_enter(s, 0) : 0;
}

int file_make_room(struct store *s)
{
	int rc = 0;

	while (!rc && s->buffered >= s->buffer_max) {
		rc = file_submit(s);
		if (rc || !s->runs_under_way)
			break;
		if (s->buffered >= s->buffer_max)
			rc = file_enter(s, 1);
	}
	return rc;
}

void file_forget(struct store *s, uint32_t slot)
{
	struct file_record *r = file_record(s, slot);

	switch (r->state) {
	case QUEUED:
		dequeue(s, slot);
		release_page(s, r->page);
		break;
	case WRITING:
		s->run[r->run].slot[r->at] = STORE_NONE;
		break;
	default:
		blocks_give(&s->blocks, r->block);
	}
}

/* Completions are handed over when we ask for them: the pager's own waiting is not interrupted. */
int file_ring_open(struct io_uring *ring)
{
	return io_uring_queue_init(FILE_RUNS + FILE_READS_MAX, ring,
				   IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
}

#endif
