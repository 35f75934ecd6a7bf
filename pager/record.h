/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - a trace that is written while the program runs (`vmm record`).
 *
 *   pager --ring of records--> writer process --core/trace--> the file
 *
 * The pager never touches the file (H14): it may be a pipe, or a slow or full disk, and threads of the program wait for the pager.
 * The ring is bounded. When it is full the pager waits for the writer, so nothing is lost and the program is as slow as the file.
 *
 * The *writer* is a child of the front that ends after the guardian, so it survives a kill of the pager, of the program and of the
 * front: what had happened until then is in the file, which is complete. A kill of the writer leaves a file that ends with what
 * it flushed last, at most FLUSH_NS ago.
 *
 * What is recorded, in this order in time:
 *
 *   R, W        an *entry*: the page becomes mapped by a zero, major or soft fault, or is found present (hello, fork, mremap);
 *               W also the first write to a page since it entered
 *   leave       only with a window: the page was mapped and is not any more, for another reason than the next
 *   map, unmap, discard, fork, exit     of managed ranges. A pid stands for an address space, that of its first process; exec is
 *               the exit of one and the beginning of another with the same pid
 *   thread, time                        before what they are about; time at most every TIME_NS
 *
 * Invariant: a page that is mapped is *inside*. With a window at most `inside_max` pages were inside when one entered, over all address
 * spaces; the file's header says so in the end.
 */
#ifndef PAGER_RECORD_H
#define PAGER_RECORD_H

#include "core/trace/trace.h"
#include "pager/run.h"

#include <sys/types.h>

#define RECORD_RING 65536u /* records, a power of two */

enum record_state {
	RECORD_OPENING,
	RECORD_OPEN,
	RECORD_FAILED, /* the writer can write no more, or is gone: the pager records nothing from now on */
	RECORD_DONE, /* the file is complete */
};

/* In memory that the front, the pager and the writer share. */
struct record_ring {
	_Alignas(64) uint64_t head; /* records put in, by the pager */
	uint64_t inside_max, waited_ns, unnamed;
	_Alignas(64) uint64_t tail;          /* taken out, by the writer */
	uint64_t refs, events, bytes;        /* in the file; the writer's */
	uint32_t window;                     /* in its header in the end */
	uint32_t state;                      /* enum record_state */
	int error;                           /* -errno of the writer */
	_Alignas(64) pid_t writer, guardian; /* guardian: 0 until there is one */
	struct trace_record records[RECORD_RING];
};

/*
 * The front: starts the writer, which opens config->record. 0, or -errno when it cannot be written. Without config->record
 * *ring is NULL, and the others do nothing with it.
 */
int record_start(const struct run_config *config, struct record_ring **ring);
/* The guardian is there; negative: there will be none. */
void record_watch(struct record_ring *ring, pid_t guardian);
/* Fills the result. `last`: waits for the file's end, else the writer goes on by itself. */
void record_finish(struct record_ring *ring, bool last, struct run_record *result);

#endif
