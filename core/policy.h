/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - the one interface a replacement policy implements.
 *
 * A policy is one file in core/policies/ that ends in one table (struct policy_ops). skeleton.c is a commented
 * template. It never does I/O, reads no clock, uses no randomness but frame_table.rng, and allocates in
 * create() only: state is arrays by frame plus history by page id with a declared bound.
 *
 * Order of calls for one fault on page P (N victims, N >= 0):
 *
 *   fault(P)                     may adapt from history, before any victim is chosen
 *   victim(P) -> F               chooses a frame for which frame_evictable() holds; may clear reference bits and relink its own
 *                                lists, never evicts. VMM_NONE when every frame is pinned.
 *     reject(F)                  F could not be taken (pinned by a device); put it where it will not be chosen
 *                                again at once
 *     remove(F, page, EVICT)     F was evicted
 *   insert(F, P)                 P is resident in F (its bits are already set according to the class)
 *
 * A victim may also be passed over, with neither of the two: it is on the wrong node (physical.h), or there is no room for its
 * copy (page_slots.h). It is not evictable before the plan is closed, and keeps its place; victim() is called again.
 *
 * Between victim() and remove() or reject() the core takes FRAME_USED from F, so frame_evictable(F) is false: when
 * several victims are chosen at once (batch) victim() is called again before the first one is removed, and a policy that
 * passes over what is not evictable cannot return it twice. Such frames are treated like pinned ones: their bits are
 * not cleared and they keep their place. A rejected frame is not evictable again before the plan is closed.
 * Reference bits are cleared in victim() and surplus() only.
 *
 * At any other time: remove(F, page, UNMAP|EXIT) for a resident page that is gone; remove(VMM_NONE, page, ...) for a page
 * that is gone without being resident, so that history forgets it (page ids are reused). touch(F, write) for classes T and X
 * only. A fault that is given up calls fault(P) and no insert.
 */
#ifndef VMM_POLICY_H
#define VMM_POLICY_H

#include "core/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_POLICY_ABI 2

/* What a policy must see to be exact; see docs/policies.md. */
enum policy_class {
	POLICY_F,  /* faults only */
	POLICY_R1, /* reference bits, set when a page is loaded */
	POLICY_R0, /* reference bits, clear when a page is loaded */
	POLICY_T,  /* every touch */
	POLICY_X,  /* the future */
};

enum remove_why { REMOVE_EVICT, REMOVE_UNMAP, REMOVE_EXIT };

#define POLICY_NEEDS_DIRTY 1u /* reads frame_dirty(): the driver must track first writes */
#define POLICY_HIDDEN 2u      /* not in the list of `vmm policies` (null, skeleton) */
#define POLICY_CLEANS                                                                              \
	4u /* schedules write-backs (policy_env.clean), whose end takes the core's clock */

/* A parameter of a policy, given as name:key=value. All are unsigned integers. */
struct policy_param {
	const char *name;
	uint64_t value_default;
	uint64_t value_min, value_max;
	const char *help; /* with the unit, and what the source says of it */
};
#define POLICY_PARAMS_MAX 8

/*
 * A *note* is a number below PAGE_NOTE_MAX that a policy keeps with a page while it is not resident: readable and
 * writable from its remove(F, page, EVICT) until its insert(F', page) returns, or until it is gone. 0 at first. While the page
 * is resident the note is any number: whoever reads it must be able to tell (ghost.h).
 */
#define PAGE_NOTE_MAX 0x40000000u

struct page_notes {
	unsigned char *base; /* moves when pages are made */
	size_t stride;       /* bytes from the note of one page to the next */
};
#ifndef PAGE_NOTE_STRIDE
#define PAGE_NOTE_STRIDE(notes) ((notes)->stride)
#endif

static inline uint32_t *page_note_word(const struct page_notes *n, uint32_t page)
{
	return (uint32_t *)(void *)(n->base + page * PAGE_NOTE_STRIDE(n));
}
static inline uint32_t page_note(const struct page_notes *n, uint32_t page)
{
	return *page_note_word(n, page) & (PAGE_NOTE_MAX - 1);
}
/* The upper bits of the word are the driver's. */
static inline void page_note_set(const struct page_notes *n, uint32_t page, uint32_t note)
{
	uint32_t *word = page_note_word(n, page);

	*word = (*word & ~(PAGE_NOTE_MAX - 1)) | note;
}

/* What create() gets. `frames` outlives the policy. values[i] belongs to ops->params[i]. */
struct policy_env {
	struct frame_table *frames;
	const uint64_t *now; /* virtual time: references or faults, as configured (vmm.h) */
	uint64_t values[POLICY_PARAMS_MAX];
	/*
	 * Class X: virtual time of the next reference to the page that is being referenced; UINT64_MAX when there is
	 * none. Valid in fault(), victim(), insert() and touch().
	 */
	const uint64_t *next_use;
	const struct page_notes *notes; /* outlives the policy */
	/*
	 * For victim() and surplus(): schedules the write-back of the dirty page in an evictable frame, unless `limit` are under way.
	 * The policy goes on; the frame is frame_cleaning until the write is complete, which no call tells, and frame_clean
	 * then, if nobody has written to the page since. A frame that is a victim meanwhile leaves when its write is complete.
	 * True: it is scheduled. False: it is not dirty or being cleaned already, the limit is reached, or there is no room in the
	 * store. NULL: the policy is without POLICY_CLEANS.
	 */
	bool (*clean)(void *arg, uint32_t frame, uint32_t limit);
	void *clean_arg;
};

struct policy_ops {
	uint32_t abi;        /* VMM_POLICY_ABI */
	const char *name;    /* lower case */
	const char *alias;   /* other spellings, comma separated, or NULL */
	const char *summary; /* one line */
	const char *source;  /* author, year, title or file */
	enum policy_class class;
	uint32_t flags;
	const struct policy_param *params; /* ends with a NULL name; NULL when there are none */
	uint32_t order; /* place in the list of policies, as in docs/policies.md */

	/* The class under these parameters, when it depends on them; NULL: always `class`. */
	enum policy_class (*class_of)(const uint64_t values[POLICY_PARAMS_MAX]);

	/* Required. 0 or -errno; *state is passed to every other call. */
	int (*create)(void **state, const struct policy_env *env);
	void (*destroy)(void *state);
	void (*fault)(void *state, uint32_t page); /* may be NULL */
	uint32_t (*victim)(void *state,
			   uint32_t page); /* page may be VMM_NONE: room is made for no page yet */
	void (*reject)(void *state, uint32_t frame);
	void (*remove)(void *state, uint32_t frame, uint32_t page, enum remove_why why);
	void (*insert)(void *state, uint32_t frame, uint32_t page);
	void (*touch)(void *state, uint32_t frame, bool write); /* classes T and X, else NULL */
	/* Asserts the invariants of the policy's own state: 0, or -EINVAL when one is broken. Required. */
	int (*check)(const void *state);
	/*
	 * Policies with variable allocation (ws, vmin), else NULL: an evictable frame that is to be given back although
	 * nobody needs it, VMM_NONE when there is none. Asked for after each reference (core_shrink); may clear reference
	 * bits. reject() and remove(EVICT) follow as for a victim.
	 */
	uint32_t (*surplus)(void *state);

	/* --- For speed only; each may be NULL. --- */

	/* The same as remove(F, old, EVICT) and then insert(F, page): a driver that fills the victim's frame at once. */
	void (*replace)(void *state, uint32_t frame, uint32_t old, uint32_t page);
	/* The frame that victim() would probably return now, VMM_NONE for no guess: its page is brought near. */
	uint32_t (*peek)(const void *state);
	/* A page with this note may soon be faulted on: what the note leads to is brought near. */
	void (*recall)(const void *state, uint32_t note);
};

/*
 * Puts a table into the registry: one line below it, one a file. The pointers are collected in a linker section, so a new
 * policy is a new file and nothing else; who links libvmm from an archive must take it whole (-Wl,--whole-archive). Policy
 * files are compiled once more with another meaning of this line: core/replay/unit.h.
 *
 * In a shared object (a policy of the user's own, docs/adding-a-policy.md) the sections are found through the symbol
 * vmm_policy_export. It is weak, so that several files may be linked into one object.
 */
#ifndef POLICY_REGISTER
#define POLICY_REGISTER(ops)                                                                       \
	POLICY_EXPORT(NULL, NULL, 0);                                                              \
	static const struct policy_ops *const ops##_entry                                          \
		__attribute__((used, section("vmm_policies"))) = &(ops)
#endif

struct replay_unit;

struct policy_export {
	uint32_t abi;      /* VMM_POLICY_ABI */
	uint32_t ops_size; /* sizeof(struct policy_ops) */
	const struct policy_ops *const *first, *const *end;
	/* Policies with their own replay loop, and REPLAY_ABI of the loop; or none. */
	const struct replay_unit *const *unit_first, *const *unit_end;
	uint32_t replay_abi;
};

extern const struct policy_ops *const __start_vmm_policies[]
	__attribute__((weak, visibility("hidden")));
extern const struct policy_ops *const __stop_vmm_policies[]
	__attribute__((weak, visibility("hidden")));
extern const struct policy_export vmm_policy_export;

#define POLICY_EXPORT(units, units_end, loop_abi)                                                  \
	__attribute__((weak, visibility("default")))                                               \
	const struct policy_export vmm_policy_export = { VMM_POLICY_ABI,                           \
							 sizeof(struct policy_ops),                \
							 __start_vmm_policies,                     \
							 __stop_vmm_policies,                      \
							 units,                                    \
							 units_end,                                \
							 loop_abi }

/* Registry. Names and aliases compare without case. Tables with a wrong ABI or a missing callback are left out. */
const struct policy_ops *policy_find(const char *name); /* NULL when unknown */
const struct policy_ops *
policy_nearest(const char *name); /* best guess for "did you mean"; never NULL */
const struct policy_ops *const *policy_all(
	void); /* NULL-terminated, in the order of docs/policies.md; then those that were added */

/* What a table lacks: the name of the first field that is required and not set, "abi" for another ABI; NULL: nothing. */
const char *policy_lacks(const struct policy_ops *ops);

/*
 * Adds a table at run time, before anything uses the registry in another thread. It must outlive the process's use of
 * policies. 0; -EINVAL: policy_lacks something, or its name is empty, too long or contains ':' or ','; -EEXIST: there is one of
 * that name; -ENOSPC.
 */
int policy_registry_add(const struct policy_ops *ops);

/*
 * Parses "clock:ref-at-load=0" into ops and values. 0; -ENOENT unknown policy; -EINVAL bad parameter, with *bad
 * pointing into spec at the offending word.
 */
int policy_parse(const char *spec, const struct policy_ops **ops,
		 uint64_t values[POLICY_PARAMS_MAX], const char **bad);

#endif
