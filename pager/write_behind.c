/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_behind.c - pages that the policy wants clean before they leave (core_cleans): write-protected, read, written to the store.
 *
 * Protection comes first, so that what is read stays true until a write to the page is a fault, which tells the core. Only a transfer by
 * DMA could still change it: therefore the page is compared with its slot when it leaves, as always, and a page that cannot be
 * read here is left out.
 */
#include "pager/pager.h"
#include "pager/uffd.h"

#include <errno.h>
#include <unistd.h>

/* The page's content as it will be until the next write fault, or NULL. */
static const void *content(struct space *s, uint32_t page, void *buf)
{
	uint64_t addr = core_page(s->core, page)->vpn * VMM_PAGE;

	if (space_live(s, page)->buf != NO_SLOT)
		return idle_content(s, page);
	if (s->zapped || s->mem_fd < 0) /* it may be absent: reading it would wait for us */
		return NULL;
	if (uffd_protect(s->uffd, addr, VMM_PAGE, true))
		return NULL; /* an event is waiting, or the process is gone */
	return pread(s->mem_fd, buf, VMM_PAGE, (off_t)addr) == VMM_PAGE ? buf : NULL;
}

void write_behind(struct space *s)
{
	static uint8_t buf[VMM_PAGE];
	struct pager *p = s->pager;
	const uint32_t *page;
	uint32_t i, n = core_cleans(s->core, &page);

	for (i = 0; i < n; i++) {
		struct live *l = space_live(s, page[i]);
		const void *data = content(s, page[i], buf);

		if (!data || idle_is_stored(l))
			continue;
		store_must(p, p->store_ops->write(p->store, &l->slot, data));
		if (p->config->checksum)
			page_sum(l, data);
		idle_stored(s, l);
	}
}
