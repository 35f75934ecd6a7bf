/* SPDX-License-Identifier: Apache-2.0 */
/* core_thread.c - threads that fault, and the pages that they hold: core_internal.h has the rules. */
#define HASH_NONFATAL_OOM 1
#include "core/core_internal.h"

#include <stdlib.h>
#include <string.h>

#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(e) ((e)->in_hash = false)

struct thread *thread_find(struct vmm *v, uint32_t thread)
{
	struct thread *t = v->thread_last;

	if (t && t->id == thread)
		return t;
	HASH_FIND(hh, v->threads, &thread, sizeof(thread), t);
	if (t)
		v->thread_last = t;
	return t;
}

uint32_t hold_depth(const struct vmm *v)
{
	uint32_t threads = HASH_COUNT(v->threads), room = v->frames.capacity, depth;

	if (threads < 2 || !(v->flags & VMM_FLAG_LIVE))
		return 1;
	if (v->use_window && v->window < room)
		room = v->window;
	depth = room / 2 / threads;
	return depth < 1 ? 1 : depth < HOLD_MAX ? depth : HOLD_MAX;
}

static void hold_drop(struct vmm *v, struct thread *t, uint32_t i)
{
	uint32_t page = t->held[i], f = v->pages[page].frame;

	frame_unpin(&v->frames, f);
	if (--v->holds[f] == 0)
		v->pages[page].flags &= (uint8_t)~PAGE_HELD;
	if (i < --t->n_held)
		memmove(&t->held[i], &t->held[i + 1], (t->n_held - i) * sizeof(t->held[0]));
}

static void hold_trim(struct vmm *v, struct thread *t, uint32_t n)
{
	while (t->n_held > n)
		hold_drop(v, t, 0);
}

/*
 * Room for one page more. A page that t holds already is let go too: it is about to become the newest, and until then the
 * plan pins it.
 */
void hold_advance(struct vmm *v, struct thread *t, uint32_t page)
{
	for (uint32_t i = 0; i < t->n_held; i++)
		if (t->held[i] == page) {
			hold_drop(v, t, i);
			break;
		}
	hold_trim(v, t, v->hold_depth - 1);
}

void hold_take(struct vmm *v, struct thread *t, uint32_t page)
{
	uint32_t f = v->pages[page].frame;

	hold_trim(v, t, v->hold_depth - 1); /* another thread may have left since hold_advance */
	if (v->frames.pins[f] == UINT16_MAX)
		return;
	t->held[t->n_held++] = page;
	frame_pin(&v->frames, f);
	v->holds[f]++;
	v->pages[page].flags |= PAGE_HELD;
}

void hold_release(struct vmm *v, struct thread *t)
{
	hold_trim(v, t, 0);
}

/* After a change of their number. hold_depth has few values, so all threads are visited rarely. */
static void threads_changed(struct vmm *v)
{
	uint32_t before = v->hold_depth;
	struct thread *t, *next;

	v->hold_depth = hold_depth(v);
	if (v->hold_depth >= before)
		return;
	HASH_ITER(hh, v->threads, t, next)
	hold_trim(v, t, v->hold_depth);
}

struct thread *thread_make(struct vmm *v, uint32_t thread)
{
	struct thread *t = thread_find(v, thread);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->id = thread;
	t->probation = FRAME_LIST_EMPTY;
	t->in_hash = true;
	HASH_ADD(hh, v->threads, id, sizeof(t->id), t);
	if (!t->in_hash) {
		free(t);
		return NULL;
	}
	v->thread_last = t;
	threads_changed(v);
	return t;
}

void core_thread_exit(struct vmm *v, uint32_t thread)
{
	struct thread *t = thread_find(v, thread);

	if (!t)
		return;
	hold_release(v, t);
	while (t->probation.count) {
		uint32_t f = t->probation.head;

		list_leave(v, f);
		list_enter(v, &v->orphans, f);
	}
	HASH_DEL(v->threads, t);
	v->thread_last = NULL;
	free(t);
	threads_changed(v);
}

/* Whoever holds the page no longer does. */
void holders_forget(struct vmm *v, uint32_t id)
{
	struct thread *t, *next;

	HASH_ITER(hh, v->threads, t, next)
	{
		if (!(v->pages[id].flags & PAGE_HELD))
			return;
		for (uint32_t i = 0; i < t->n_held; i++)
			if (t->held[i] == id) {
				hold_drop(v, t, i);
				break;
			}
	}
}
