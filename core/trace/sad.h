/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sad.h - safely allowed drop: leaves out references that make no difference to LRU and OPT in K frames or more
 * (S. F. Kaplan, Y. Smaragdakis, P. R. Wilson, Flexible reference trace reduction for VM simulations, ACM TOMACS 13(1), 2003).
 *
 * Of three references to a page, one after another in what is left, the middle one goes when between the first and the
 * third fewer than K other pages are referenced: the page stays resident over all three, and whatever else is referenced in
 * between has a stack distance of at most K with and without it. Faults of LRU and OPT are then exact for K frames and more. When the
 * dropped reference wrote, the third one writes: the page is as dirty as before whenever LRU evicts it.
 *
 * Nothing is dropped across an event that changes pages (map, unmap, discard, fork, exit).
 *
 * The last reference to a page waits until it is known whether it stays; memory is O(pages), and O(K) records wait.
 */
#ifndef VMM_TRACE_SAD_H
#define VMM_TRACE_SAD_H

#include "core/trace/trace.h"

struct sad;

/* Takes records in order; 0, or -errno, which ends the feeding with it. */
typedef int (*sad_emit_fn)(void *arg, const struct trace_record *record);

int sad_create(struct sad **s, uint32_t k, sad_emit_fn emit,
	       void *arg); /* 0, -EINVAL (k is 0), -ENOMEM */
int sad_feed(struct sad *s, const struct trace_record *records, size_t n);
int sad_finish(struct sad *s); /* what still waits stays */
void sad_destroy(struct sad *s);

#endif
