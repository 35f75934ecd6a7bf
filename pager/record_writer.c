/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_writer.c - the process that takes records out of the ring and writes the trace (record.h), and the front's side of it.
 *
 * It sleeps between looks at the ring instead of being woken: in LOOK_MS the pager cannot fill it. In a process group of its own
 * and deaf to signals, it is ended by the guardian's end only.
 */
#include "pager/record.h"
#include "pager/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 20
#define FLUSH_NS 1000000000ull

struct writer {
	struct record_ring *ring;
	struct trace_writer *trace;
	const struct run_config *config;
	struct {
		uint32_t *pid, n, capacity;
	} running; /* address spaces that have begun and not ended */
	pid_t front;
	int guardian_fd;
	uint64_t flushed_ns;
	bool dirty; /* something was written since */
};

static void state_set(struct record_ring *r, enum record_state state)
{
	__atomic_store_n(&r->state, state, __ATOMIC_RELEASE);
}

static uint32_t state_of(const struct record_ring *r)
{
	return __atomic_load_n(&r->state, __ATOMIC_ACQUIRE);
}

static uint64_t file_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static void begins(struct writer *w, uint32_t pid)
{
	uint32_t i, *grown;

	for (i = 0; i < w->running.n; i++)
		if (w->running.pid[i] == pid)
			return;
	if (i == w->running.capacity) {
		grown = realloc(w->running.pid, (2 * i + 64) * sizeof(*grown));
		if (!grown)
			return; /* its exit will be missing */
		w->running.pid = grown;
		w->running.capacity = 2 * i + 64;
	}
	w->running.pid[w->running.n++] = pid;
}

static void ends(struct writer *w, uint32_t pid)
{
	for (uint32_t i = 0; i < w->running.n; i++)
		if (w->running.pid[i] == pid)
			w->running.pid[i] = w->running.pid[--w->running.n];
}

/* What is written is counted, and who runs is known. */
static void account(struct writer *w, const struct trace_record *rec, uint64_t n)
{
	uint64_t refs = 0;

	for (uint64_t i = 0; i < n; i++) {
		refs += rec[i].kind <= TRACE_WRITE;
		if (rec[i].kind == TRACE_MAP)
			begins(w, rec[i].pid);
		else if (rec[i].kind == TRACE_FORK)
			begins(w, (uint32_t)rec[i].value);
		else if (rec[i].kind == TRACE_EXIT)
			ends(w, rec[i].pid);
	}
	w->ring->refs += refs;
	w->ring->events += n - refs;
}

/* The run is over, so whoever has not ended has now: the pager was ended or killed before it could say so. */
static int all_end(struct writer *w)
{
	int err = 0;

	while (w->running.n && !err) {
		struct trace_record exit = { .kind = TRACE_EXIT,
					     .pid = w->running.pid[w->running.n - 1] };

		err = trace_write(w->trace, &exit, 1);
		account(w, &exit, 1);
	}
	return err;
}

/* Everything that is in the ring; true when there was something. 0 or -errno in *err. */
static bool drain(struct writer *w, int *err)
{
	struct record_ring *r = w->ring;
	uint64_t head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE), tail = r->tail;
	bool some = head != tail;

	while (tail != head && !*err) {
		uint64_t at = tail % RECORD_RING, n = RECORD_RING - at;

		n = head - tail < n ? head - tail : n;
		*err = trace_write(w->trace, r->records + at, n);
		if (*err)
			break;
		account(w, r->records + at, n);
		tail += n;
		__atomic_store_n(&r->tail, tail, __ATOMIC_RELEASE);
	}
	w->dirty |= some;
	return some;
}

static int flush_when_due(struct writer *w)
{
	if (!w->dirty || now_ns() - w->flushed_ns < FLUSH_NS)
		return 0;
	w->dirty = false;
	w->flushed_ns = now_ns();
	return trace_flush(w->trace);
}

/* Sleeps. True when the run is over: whatever it had to say is in the ring. */
static bool run_over(struct writer *w)
{
	pid_t guardian = __atomic_load_n(&w->ring->guardian, __ATOMIC_ACQUIRE);
	struct pollfd fd = { .events = POLLIN };

	if (w->guardian_fd < 0 && guardian) {
		w->guardian_fd = (int)syscall(SYS_pidfd_open, guardian, 0);
		if (w->guardian_fd < 0)
			return true;
	}
	if (!guardian && getppid() != w->front)
		return true; /* it ended before it had started anything */
	fd.fd = w->guardian_fd;
	return poll(&fd, 1, LOOK_MS) > 0;
}

/* What the header promised was less than what happened: several processes, or many pages at the hello. */
static int window_amend(const struct writer *w)
{
	struct record_ring *r = w->ring;
	int err;

	r->window = w->config->window;
	if (!r->window || r->inside_max <= r->window)
		return 0;
	err = trace_amend_window(w->config->record, (uint32_t)r->inside_max);
	if (!err)
		r->window = (uint32_t)r->inside_max;
	return err == -ENOTSUP ? 0 : err; /* a pipe; the report tells */
}

static int write_all(struct writer *w)
{
	int err = 0, end;
	bool over = false, some = true;

	while (!err && (some || !over)) {
		some = drain(w, &err);
		if (!err)
			err = flush_when_due(w);
		if (!err && !some && !over) {
			over = run_over(w);
			some = over; /* the last look is after the end */
		}
	}
	if (!err && state_of(w->ring) == RECORD_FAILED)
		err = -ECANCELED; /* the pager did not wait any longer */
	err = err ? err : all_end(w);
	if (err) /* from here on the pager waits for nobody */
		state_set(w->ring, RECORD_FAILED);
	end = trace_finish(w->trace);
	err = err ? err : end;
	end = window_amend(w);
	return err ? err : end;
}

static int open_trace(struct writer *w)
{
	struct trace_write_options o = {
		.header = { .page_shift = TRACE_PAGE_SHIFT,
			    .fidelity = w->config->window ? TRACE_WINDOW : TRACE_FAULTS,
			    .window = w->config->window,
			    .meta = w->config->record_meta },
	};
	int err = trace_create(&w->trace, w->config->record, &o);

	return err ? err : trace_flush(w->trace); /* a full disk is noticed before the run */
}

static void writer_main(const struct run_config *config, struct record_ring *r)
	__attribute__((noreturn));
static void writer_main(const struct run_config *config, struct record_ring *r)
{
	struct writer w = { .ring = r, .config = config, .front = getppid(), .guardian_fd = -1 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), i, err;
	sigset_t all;

	prctl(PR_SET_NAME, "vmm-writer");
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a pipe may have no reader yet */
	err = open_trace(&w);
	if (err) {
		r->error = err;
		state_set(r, RECORD_FAILED);
		_exit(1);
	}
	prctl(PR_SET_PDEATHSIG, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setpgid(0, 0);
	for (i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	state_set(r, RECORD_OPEN);
	err = write_all(&w);
	r->error = err;
	r->bytes = file_bytes(config->record);
	state_set(r, err ? RECORD_FAILED : RECORD_DONE);
	_exit(err != 0);
}

/* The front waits for its child's word, and for its end: Ctrl-C still works here. */
static int await_open(struct record_ring *r)
{
	struct timespec pause = { .tv_nsec = 200000 };

	while (state_of(r) == RECORD_OPENING) {
		if (waitpid(r->writer, NULL, WNOHANG) == r->writer)
			return state_of(r) == RECORD_FAILED ? r->error : -EPIPE;
		nanosleep(&pause, NULL);
	}
	if (state_of(r) == RECORD_OPEN)
		return 0;
	waitpid(r->writer, NULL, 0);
	return r->error;
}

/* A pipe may not be read any more. Who interrupts vmm now wants both to end. */
static void await_end(pid_t writer)
{
	static const int end[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct timespec look = { .tv_nsec = 1000000 };
	sigset_t set, old;
	int sig;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(end) / sizeof(end[0]); i++)
		sigaddset(&set, end[i]);
	sigprocmask(SIG_BLOCK, &set, &old);
	while (waitpid(writer, NULL, WNOHANG) == 0) {
		sig = sigtimedwait(&set, NULL, &look);
		if (sig > 0) {
			kill(writer, SIGKILL);
			raise(sig);
			break;
		}
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int record_start(const struct run_config *config, struct record_ring **ring)
{
	struct record_ring *r;
	pid_t pid;
	int err;

	*ring = NULL;
	if (!config->record)
		return 0;
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED)
		return -errno;
	pid = fork();
	if (pid == 0)
		writer_main(config, r);
	r->writer = pid;
	err = pid < 0 ? -errno : await_open(r);
	if (err) {
		munmap(r, sizeof(*r));
		return err;
	}
	*ring = r;
	return 0;
}

void record_watch(struct record_ring *r, pid_t guardian)
{
	if (r)
		__atomic_store_n(&r->guardian, guardian, __ATOMIC_RELEASE);
}

void record_finish(struct record_ring *r, bool last, struct run_record *result)
{
	if (!r)
		return;
	if (last)
		await_end(r->writer);
	*result = (struct run_record){ .refs = r->refs,
				       .events = r->events,
				       .bytes = r->bytes,
				       .waited_ns = r->waited_ns,
				       .unnamed = r->unnamed,
				       .window = r->window,
				       .inside_max = r->inside_max,
				       .error = r->error,
				       .complete = state_of(r) == RECORD_DONE };
	if (last && !result->complete && !result->error) /* it was killed */
		result->error = -EPIPE;
	munmap(r, sizeof(*r));
}
