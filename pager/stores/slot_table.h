/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot_table.h - slot numbers of a store, with reference counts, and a record of the store's own for each.
 *
 * Numbers are handed out from 0 on, and a freed one is the next, so the tables are as long as the most slots in use at once. They
 * may move when a slot is made: keep numbers, not pointers.
 */
#ifndef PAGER_STORES_SLOT_TABLE_H
#define PAGER_STORES_SLOT_TABLE_H

#include <stdint.h>

struct slot_table {
	uint32_t record_bytes; /* set by the owner before the first slot */
	uint8_t *record;
	uint32_t *refs;       /* by slot; 0: free */
	uint32_t *freed;      /* stack of free numbers below len */
	uint32_t len, cap, n; /* numbers handed out so far; room; slots in use */
};

/* A slot with one reference; its record holds anything. UINT32_MAX: out of memory. */
uint32_t slot_table_new(struct slot_table *s);

/* Back to the free numbers, whatever its count. */
void slot_table_free(struct slot_table *s, uint32_t slot);

/* Memory of the tables, bytes. */
uint64_t slot_table_bytes(const struct slot_table *s);

void slot_table_destroy(struct slot_table *s);

static inline void *slot_table_at(const struct slot_table *s, uint32_t slot)
{
	return s->record + (uint64_t)slot * s->record_bytes;
}

#endif
