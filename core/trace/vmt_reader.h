/* SPDX-License-Identifier: Apache-2.0 */
/* vmt_reader.h - what vmt_read.c (header, blocks, refs) and vmt_lists.c (spaces, pages, events of a block) share. */
#ifndef VMM_TRACE_VMT_READER_H
#define VMM_TRACE_VMT_READER_H

#include "core/trace/trace_internal.h"
#include "core/trace/vmt.h"

struct vmt_reader {
	struct vmt_block block;
	size_t block_bytes; /* of the block in the source; 0: none is read */
	const uint8_t *coded, *coded_end;
	uint32_t refs_done, blocks;
	uint64_t refs_before; /* in earlier blocks */
	uint64_t writes, events;
	bool ended; /* the end block was seen, or the file is cut */

	uint64_t run_value, run_step; /* VMT_RUNS: the next value, while run_left > 0 */
	uint32_t run_left;

	uint8_t *lists;
	size_t lists_capacity;
	const uint8_t *at, *lists_end; /* the next event */
	uint32_t events_left, event_at;

	uint64_t *previous; /* by space: vpn of its last new page */
	uint32_t previous_capacity;
	char *meta;
};

/* Sets the problem, at the current block; -EBADMSG. */
static inline int vmt_bad(struct trace_reader *r, const char *what)
{
	return trace_bad_bytes(r, source_offset(&r->source), what);
}

/* The ids of the file's own pages. */
static inline struct page_ids *vmt_ids(struct trace_reader *r)
{
	return r->shift ? &r->own : &r->ids;
}

/* All: 0, -EBADMSG, -ENOMEM; v->at moves through the lists in this order. */
int vmt_lists_unpack(struct trace_reader *r, const uint8_t *stored);
int vmt_spaces_read(struct trace_reader *r);
int vmt_pages_read(struct trace_reader *r);
int vmt_event_find(struct trace_reader *r); /* where the first event is */
int vmt_event_read(struct trace_reader *r, struct trace_event *e);
int vmt_number(struct trace_reader *r, uint64_t max, uint64_t *value);

#endif
