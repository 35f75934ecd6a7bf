/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - runs one program under the pager: everything cli/ knows of pager/.
 *
 * Three processes stand behind a run (launch.c):
 *   front     the caller of pager_run(): waits, forwards signals, prints the report
 *   guardian  parent of the program and subreaper of all its descendants; shares the pager's descriptors
 *   pager     serves faults and VM syscalls
 */
#ifndef PAGER_RUN_H
#define PAGER_RUN_H

#include "core/stats.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define REGION_HEAP 1u  /* the brk heap */
#define REGION_ANON 2u  /* private anonymous mappings of at least anon_min_bytes */
#define REGION_STACK 4u /* the main thread's stack */

/* The least that works: RUN_FRAMES_BASE, and RUN_FRAMES_THREAD for each thread. */
#define RUN_FRAMES_BASE 32
#define RUN_FRAMES_THREAD 8

struct run_config {
	char **argv;          /* program and arguments, NULL-terminated */
	const char *preload;  /* path of libvmm_preload.so */
	const char *policy;   /* as policy_parse takes it */
	uint64_t frames;      /* per address space; 0: no limit */
	const char *prefetch; /* as prefetch_parse takes it; NULL or "off": none */
	uint32_t window;      /* class T: most pages mapped at once; 0: default max(64, frames/8) */
	uint64_t seed;
	uint32_t regions;           /* REGION_* */
	uint64_t anon_min_bytes;    /* 0: every size */
	const char *store;          /* "mem", "lz4" or "file:PATH" */
	uint64_t store_limit_bytes; /* 0: half of the available memory */
	uint64_t latency_us;        /* least time of a read from the store, and of a write */
	uint32_t timeout_s;         /* 0: none; the run is killed after it */
	bool exact, audit, checksum, verbose;
	const char *record;      /* where to write a trace of the run; NULL: nowhere */
	const char *record_meta; /* lines "key=value\n" for its header, or NULL */
};

#define HIST_BUCKETS                                                                               \
	512 /* 8 buckets an octave of nanoseconds: index = 8*log2(ns), see hist_* in pager/hist.h */

/* How long the calls of one kind took. */
struct store_times {
	uint64_t count, sum_ns, max_ns;
	uint64_t hist[HIST_BUCKETS];
};

/* What a store held, and how long it took. What does not apply is 0. */
struct store_stats {
	uint64_t stored_bytes_peak; /* most content at once, 4096 bytes a page */
	uint64_t memory_bytes_peak; /* most memory of the pager for it */
	/* lz4, when it held the most content: memory_bytes >= compressed_bytes + 4096 * whole_pages */
	uint64_t memory_bytes, compressed_pages, compressed_bytes, whole_pages, same_filled_pages;
	/* file */
	bool on_disk, direct; /* direct: without the page cache */
	uint64_t file_bytes;
	uint64_t kept_pages_peak; /* most pages that waited in memory because they could not be written */
	uint64_t write_errors;
	int last_error; /* errno of the last of them */
	struct store_times read, write;
};

struct run_process {
	pid_t pid;
	char comm[16];
	bool paged;
	char reason[80]; /* why not paged, "" when it is */
	struct vm_stats stats;
};
#define RUN_PROCESSES_MAX 1024 /* further ones are counted in processes_total only */
#define RUN_MESSAGE_BYTES 16384

/* One mapping that faulted, for the report. */
struct run_mapping {
	uint64_t start, end;
	char name[48];
	uint64_t faults;
};
#define RUN_MAPPINGS_MAX 10
struct run_thread {
	pid_t pid, tid;
	uint64_t faults;
};
#define RUN_THREADS_MAX 10

/* `vmm mark`, vmm_mark(): a phase of the run begins. */
struct run_mark {
	char name[48];
	double elapsed_s;
	struct vm_stats stats; /* counted before it */
};
#define RUN_MARKS_MAX 64

/* What `record` made. */
struct run_record {
	uint64_t refs, events;
	uint64_t bytes;     /* of the file; 0: it is not a regular one */
	uint64_t waited_ns; /* that the pager waited for the file */
	uint64_t unnamed; /* faults of processes that ended before their pid was known: left out */
	uint32_t window;  /* in the file's header; 0: faults only */
	uint64_t inside_max; /* most pages mapped when another one entered; above `window`: the header could not be amended */
	int error;     /* -errno: why the trace ends early */
	bool complete; /* the file has its end; else the writer still runs, or failed */
};

struct run_result {
	int exit_code;  /* of the program; meaningless when signal != 0 */
	int signal;     /* the signal that ended it, 0 when it exited */
	int vmm_errno;  /* != 0: vmm itself failed (exit status 125, or 126/127 with exec_errno) */
	int exec_errno; /* the program could not be executed */
	double elapsed_s;
	struct vm_stats stats;          /* sum over all spaces */
	uint32_t frames, batch, window; /* in force */
	uint64_t seed;
	uint64_t latency_count, latency_sum_ns, latency_max_ns;
	uint64_t latency_hist[HIST_BUCKETS];
	uint64_t audits,
		audit_violations; /* comparisons with pagemap; those that found more frames than allowed */
	uint64_t audit_peak_frames; /* most frames of one space as the kernel counts them */
	uint64_t audit_cow_checks; /* comparisons of what relatives by fork use together with one space's limit */
	uint64_t audit_cow_frames; /* most frames by which they exceeded it */
	uint64_t checksums;        /* pages verified on their way back */
	struct store_stats store;
	uint64_t unmanaged_bytes; /* largest sample of the program's anonymous memory outside managed regions */
	uint64_t unmanaged_samples; /* 0: it could not be measured */
	uint32_t processes_total,
		processes_running; /* ever seen; still alive when the first one ended */
	uint32_t processes;
	struct run_process process[RUN_PROCESSES_MAX];
	uint32_t mappings, threads;
	struct run_mapping mapping[RUN_MAPPINGS_MAX];
	struct run_thread thread[RUN_THREADS_MAX];
	uint32_t marks, marks_lost;
	struct run_mark mark[RUN_MARKS_MAX];
	char messages[RUN_MESSAGE_BYTES]; /* lines for the user, '\n'-separated, without the "vmm: " prefix */
	struct run_record record;
	char fatal[256]; /* why the run was stopped, "" otherwise */
};

/* What the machine lacks for a live run. 0, or -errno with a one-line reason and the remedy in words. */
int pager_probe(char *why, size_t why_bytes, char *remedy, size_t remedy_bytes);

/* Names of the stores, NULL-terminated. */
extern const char *const store_names[];

/* Is it "NAME" or "NAME:PATH"? 0; -ENOENT no such store, -EINVAL its path is missing or too much, -ENOTSUP not built in. */
int pager_store_check(const char *spec);

/* Could that store be opened? 0, or -errno with a one-line reason; nothing is left behind. */
int pager_store_probe(const char *spec, char *why, size_t why_bytes);

/* Are we ourselves a program that runs under vmm? vmm inside vmm is refused. */
bool pager_inside(void);

/* Runs to the end of the program's first process. *result is zeroed by the callee. 0, or -errno when nothing was run. */
int pager_run(const struct run_config *config, struct run_result *result);

#endif
