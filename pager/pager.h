/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pager.h - the state of the pager process.
 *
 * One thread does everything: it waits on one epoll set of userfaultfds, the seccomp listener, pidfds and the control
 * socket. So no lock exists, a VM syscall and a fault of one space are ordered by construction, and whatever waits for an
 * agent that a stop signal holds serves the other spaces meanwhile (agent_wait runs the loop again, never the busy space).
 *
 * Ownership: pager -> spaces, processes; process -> space (counted); space -> core, userfaultfd, agent, regions, live pages.
 * A space dies when the kernel says that its mm is gone (uffd_mm_alive), which is after its last process.
 */
#ifndef PAGER_PAGER_H
#define PAGER_PAGER_H

#include "core/core.h"
#include "core/trace/trace.h"
#include "pager/hist.h"
#include "pager/region.h"
#include "pager/run.h"
#include "pager/sampler.h"
#include "pager/slab.h"
#include "pager/store.h"
#include "preload/protocol.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <uthash.h>

#define NO_SLOT UINT32_MAX

/* What the pager keeps about a page, by page id of its space's core. */
struct live {
	uint32_t slot; /* in the store, NO_SLOT when none: the page's last evicted content */
	uint32_t buf;  /* content while the page is IDLE (idle.c), NO_SLOT otherwise */
	uint64_t sum;  /* hash of the slot's content (--checksum) */
};

struct fault {
	uint64_t addr;
	uint64_t read_ns; /* when its message was read */
	uint32_t tid;
	bool write, wp;
};

/* A page kept resident for the kernel's own use at thread exit (H1). */
struct pin {
	uint64_t addr;
	uint64_t since_ns;
	pid_t tid;     /* known owner, or 0: the word at addr says when the thread is gone */
	uint32_t page; /* VMM_NONE when it has gone since */
	bool seen_alive;
};

/* The agent: NONE -> (hello) READY -> (retire, exec, exit) NONE. */
struct agent {
	struct vmm_ring *ring; /* NULL before the first HYPER_FD; then mapped until the space ends */
	int ring_fd, doorbell[2];
	uint64_t ring_addr, staging[2], stack, stack_bytes;
	uint64_t quiet_addr;
	pid_t pid, tid;
	bool ready;
	bool busy; /* a command is under way */
};

struct space {
	struct pager *pager;
	struct space *next;
	uint32_t id, family; /* family: id of the space that it comes from by forks */
	int uffd, mem_fd, pagemap_fd;
	struct vmm *core;
	struct regions regions;
	struct live *live;
	uint32_t live_cap;
	struct agent agent;
	uint64_t brk_start, brk_end; /* 0: the heap is not managed */
	uint32_t members;            /* known processes */
	pid_t parent;                /* of a fork child that is not identified yet, else 0 */
	pid_t forking; /* thread inside a trapped fork whose event has not come, else 0 */
	uint64_t forking_since_ns, forking_ctid;
	bool fork_events;    /* the kernel tells of forks; else see fork.c */
	bool fork_again;     /* a signal came before: still resident as a whole */
	pid_t *forking_kids; /* without events: children of the forking thread before the call */
	uint32_t forking_kids_len;
	struct fault *queue;
	uint32_t queue_len, queue_cap;
	uint32_t last_tid, many;        /* who faulted last; != 0: several threads do */
	struct seccomp_notif *deferred; /* VM syscalls that wait for the fork */
	uint32_t deferred_len, deferred_cap;
	struct pin *pins;
	uint32_t pins_len, pins_cap;
	uint32_t idle_pages; /* with content out of the mapping */
	uint32_t spurious_page, spurious_count;
	pid_t stats_pid; /* process that the space's counters are reported under */
	bool track_dirty;
	bool serving; /* inside serve(): faults are queued */
	bool whole;   /* loaded whole on request: nothing of it is paged any more */
	bool zapped; /* had no agent during a discard: a mapped page may be absent and is then zero */
	bool was_forked;
	bool told_mlock, told_threads;
	uint32_t clones; /* threads started so far */
	uint64_t audited_evictions;
	uint64_t stalled_ns; /* since when no frame could be freed, 0: it can */
	pid_t trace_pid,
		trace_parent; /* record.c: its name in the trace; who forked it, until it has one */
	uint32_t trace_tid;   /* thread of its last record */
	bool dead;
};

struct thread {
	pid_t tid;
	struct process *process;
	uint64_t robust_head, tid_addr;
	uint64_t faults;
	cpu_set_t *wish; /* affinity that the program set, NULL: what it was started with */
	UT_hash_handle hh;
};

struct process {
	pid_t pid;
	int pidfd;
	struct space *space;                     /* NULL: not paged */
	bool exec_pending, executed, paged_ever; /* executed: runs an image of its own */
	int exit_code;                           /* of the last thread that made a raw exit */
	uint64_t exit_ns;       /* of its last trapped thread exit, until looked at; else 0 */
	const char *why_native; /* of its image, if it should turn out not to be paged */
	char comm[16], reason[80];
	struct vm_stats stats; /* of its spaces that ended */
	UT_hash_handle hh;
};

struct pager {
	const struct run_config *config;
	struct run_result *result; /* shared with the front */
	int epoll, listener, control, device;
	uint64_t cookie;
	struct space *spaces;
	struct process *processes;
	struct thread *threads;
	uint32_t next_space;
	struct store *store;
	const struct store_ops *store_ops;
	struct slab pages; /* content in memory: of idle pages, and the slots of the mem store */
	uint32_t frames, batch, window;
	enum policy_class class;
	bool needs_dirty;
	bool prefetches;
	bool told_fork;
	bool mremap_many; /* this kernel moves several mappings in one mremap */
	pid_t first;      /* the program */
	uint32_t depth;   /* of nested loops */
	struct placement *placement;
	struct space *hot;      /* served a fault just now */
	uint32_t early, yields; /* see next_fault() */
	struct sampler unmanaged, relatives;
	int monitor; /* monitor.h; -1: none */
	uint32_t monitor_clients;
	uint64_t start_ns;
	struct record_ring *record; /* NULL: nothing is recorded */
	uint64_t inside;            /* mapped pages of all spaces; kept only while recording */
	uint64_t record_start_ns, record_time_ns;
};

static inline uint64_t page_down(uint64_t a)
{
	return a & ~(uint64_t)(VMM_PAGE - 1);
}
static inline uint64_t page_up(uint64_t a)
{
	return page_down(a + VMM_PAGE - 1);
}
uint64_t now_ns(void);

/* msg.c: lines for the user, kept in the shared result. fatal() records why and ends the run: the guardian kills it. */
void msg(struct pager *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fatal(struct pager *p, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

/* loop.c */
int pager_main(const struct run_config *config, struct run_result *result,
	       struct record_ring *record, int control, int listener, int monitor, pid_t first);
void loop_once(struct pager *p, int timeout_ms);
int loop_watch(struct pager *p, int fd, uint64_t key);
void loop_forget(struct pager *p, int fd);
enum watch {
	WATCH_LISTENER = 1,
	WATCH_CONTROL,
	WATCH_UFFD,
	WATCH_PID,
	WATCH_GUARDIAN,
	WATCH_MONITOR,
	WATCH_CLIENT
};
static inline uint64_t watch_key(enum watch w, uint32_t id)
{
	return (uint64_t)w << 32 | id;
}

/* agent.c: 0; -ESRCH the agent is gone (agent.ready is false then). */
int agent_syscall(struct space *s, long nr, const uint64_t arg[6], int64_t *result);
int agent_run(struct space *s, enum ring_op op);   /* arguments already in the ring */
void agent_retire(struct space *s, int exit_code); /* the code counts when it is the last thread */

/* space.c */
struct space *space_new(struct pager *p);
void space_free(struct space *s); /* statistics go to process stats_pid */
struct space *space_by_id(struct pager *p, uint32_t id);
int space_hello(struct space *s, struct process *pr, const struct vmm_hello *h);
struct live *space_live(struct space *s, uint32_t page); /* grows the table */
int space_manage(struct space *s, uint64_t start, uint64_t end, int prot, enum region_kind kind);
void space_adopt(struct space *s); /* takes what is present into the books, down to the limit */
void space_drop(struct space *s, uint64_t start, uint64_t end); /* forgets pages; regions stay */
void space_discard(struct space *s, uint64_t start,
		   uint64_t end); /* likewise, when the mapping stays too */
void space_unmanage(struct space *s, uint64_t start,
		    uint64_t end); /* also unregisters and forgets the regions */
void space_load(struct space *s, uint64_t start,
		uint64_t end); /* every stored page becomes resident */
int space_make_ring(struct space *s);
bool space_is_mm_of(struct space *s, pid_t pid);
int space_read(struct space *s, pid_t pid, uint64_t addr, void *buf, size_t len);
int space_write(struct space *s, pid_t pid, uint64_t addr, const void *buf, size_t len);
void space_gone(void *arg, uint32_t id,
		const struct page *page); /* core_gone_fn: drops slot and buffer */

/* fork.c */
void fork_begin(struct space *s, const struct seccomp_notif *n, uint64_t ctid);
bool fork_settled(struct space *s, bool poll_now); /* true: no fork is under way any more */
void fork_over(struct space *s);
uint64_t space_whole(
	struct space *s); /* everything is resident and nothing paged from now on; pages loaded */
void fork_back(struct space *s, const struct seccomp_notif *n); /* a call of the forking thread */
bool fork_holds(struct space *s);     /* faults must wait for the end of a fork */
void fork_child_met(struct pager *p); /* a new process: whose fork is over? */
void space_forked(struct space *parent, int uffd);

/* maps.c */
int space_take(struct space *s, pid_t pid); /* manages what is mapped already; 0 or -errno */
struct region *space_grown(struct space *s, uint64_t addr,
			   pid_t tid); /* the stack's new part, or NULL */
void space_reread(struct space *s, uint64_t start,
		  uint64_t end); /* protections from /proc, after a call that failed half-way */
/* fn for each mapping of the kernel's in [start, end), clipped; returns how many. NULL only counts. Non-zero stops. */
int space_mappings(struct space *s, uint64_t start, uint64_t end,
		   int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg);

/* fault.c */
void faults_read(struct space *s);     /* all waiting messages: events first, faults queued */
void faults_read_hot(struct space *s); /* likewise, or just the one that is probably there */
void faults_serve(struct space *s);    /* the queue */
int fault_resident(struct space *s, uint64_t addr,
		   bool write); /* makes one page resident, for no thread */
int plan_room(struct space *s); /* one frame is free afterwards, or -errno */

/* write_behind.c: what the policy wants clean, before its plan is carried out. */
void write_behind(struct space *s);

/* prefetch.c: what the core asks for after a fault. Those that it asks for must not be mapped before. */
void prefetch(struct space *s, const struct plan *fault);

/* reclaim.c: executes the idle and evict lists of a plan, and, if it can, the fill: *filled. 0 or -errno. */
int reclaim(struct space *s, struct plan *plan, uint64_t fill_addr, const void *fill, bool fill_wp,
	    bool *filled);
bool reclaim_can_fill(struct space *s,
		      const struct plan *plan);  /* would it ask the agent, once, for this plan? */
void store_must(struct pager *p, int rc);        /* fatal unless 0: what a store's write said */
void page_sum(struct live *l, const void *data); /* remembers the hash of what was stored */
const void *
page_copy(struct space *s,
	  uint32_t page); /* its content in the store, verified; fatal when it cannot be read */
/* --checksum: what the store has read; fatal when it is not what was written. */
void page_verify(struct space *s, uint32_t page, const void *data);
void page_copy_soon(struct space *s, uint32_t page); /* page_copy will be called */

/* record.c: what happens goes into the trace, if one is recorded (record.h). Each is called where it happens. */
void record_fault(struct space *s, const struct fault *f,
		  const struct plan *plan);                       /* served, nobody woken yet */
void record_present(struct space *s, uint64_t addr);              /* adopted */
void record_leave(struct space *s, uint64_t addr);                /* taken out of its mapping */
void record_gone(struct space *s, const struct page *page);       /* about to be forgotten */
void record_moved(struct space *s, uint64_t start, uint64_t end); /* where mremap has put pages */
void record_range(struct space *s, enum trace_kind kind, uint64_t start, uint64_t end);
void record_fork(struct space *parent, struct space *child, pid_t tid);
void record_exit(struct space *s);

/* idle.c */
void idle_keep(struct space *s, uint32_t page,
	       const void *data); /* it was taken out of its mapping */
void idle_fetch(struct space *s,
		uint32_t page); /* resident, not mapped; read in place when it is used */
const void *idle_content(struct space *s, uint32_t page);
void idle_stored(struct space *s,
		 struct live *l); /* the store has its content now; nothing when not idle */
bool idle_is_stored(const struct live *l); /* idle, and the store has its content (none: zeros) */
void idle_forget(struct space *s,
		 struct live *l);               /* mapped again, or gone; nothing when not idle */
int idle_evict(struct space *s, uint32_t page); /* to the store; what core_evicted wants to hear */

/* supervisor.c */
void supervise(struct pager *p);
void supervise_deferred(struct space *s);
void notif_return(struct pager *p, const struct seccomp_notif *n,
		  int64_t value); /* value, or -errno */
void notif_continue(struct pager *p, const struct seccomp_notif *n);
/* vm_calls.c: true when it answered the notification. */
bool vm_call(struct space *s, struct process *pr, const struct seccomp_notif *n);
/* lifecycle.c */
struct process *process_get(struct pager *p, pid_t pid);                       /* finds or makes */
struct space *process_parent_space(struct pager *p, const struct process *pr); /* or NULL */
struct process *process_of_thread(struct pager *p, pid_t tid, struct thread **thread);
void process_died(struct pager *p, struct process *pr);
void process_join(struct process *pr, struct space *s);
void process_leave(struct process *pr);
void process_refresh(struct pager *p,
		     struct process *pr); /* after a trapped exec: which mm is it now? */
void process_not_paged(struct process *pr);
void spaces_reap(struct pager *p); /* spaces whose mm is gone */
void pin_address(struct space *s, uint64_t addr, pid_t tid);
void pins_sweep(struct space *s);
void pins_forget(struct space *s, uint32_t page); /* a page is about to go */
void thread_exit(struct space *s, struct thread *t, int code);
bool agents_alone(struct pager *p);
int pin_spliced(struct space *s, pid_t pid, uint64_t iov, uint64_t count);
void threads_check(struct pager *p, const struct process *pr);
pid_t thread_group(pid_t tid);
bool process_may_lock(pid_t pid); /* CAP_IPC_LOCK */

/* audit.c */
void audit(struct space *s);                        /* after a fault */
void audit_tick(struct pager *p);                   /* from time to time */
void audit_relatives(struct pager *p);              /* a relative appeared, or is about to leave */
int audit_wait_ms(const struct pager *p, int most); /* until the next tick has something to do */
int present_each(struct space *s, uint64_t start, uint64_t end,
		 int (*fn)(void *arg, uint64_t start, uint64_t end), void *arg);

/* placement.c */
void placement_fault(struct pager *p, pid_t tid);
bool placement_together(const struct pager *p);
void placement_tick(struct pager *p);
bool placement_call(struct pager *p, struct process *pr, struct thread *t,
		    const struct seccomp_notif *n);
void placement_process(struct pager *p, pid_t pid); /* a process is met for the first time */
int placement_init(struct pager *p);

/* unmanaged.c: anonymous memory outside the managed ranges */
void unmanaged_start(struct pager *p); /* a process or an image is new */
void unmanaged_tick(struct pager *p);
void unmanaged_last(struct pager *p); /* a process is about to give up its memory */

/* monitor.c: a phase begins */
void mark(struct pager *p, const char *name);

/* report.c: fills the result that the front prints. */
void snapshot(struct pager *p);
void report_process(struct pager *p, const struct process *pr);
void report_thread(struct pager *p, pid_t pid, const struct thread *t);
void report_region(struct pager *p, const struct region *g);

#endif
