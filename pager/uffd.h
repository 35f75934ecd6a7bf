/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uffd.h - the pager's side of userfaultfd: the only file that issues UFFDIO_* ioctls here (the agent in preload/ issues
 * UFFDIO_MOVE and the combined fill, because only the program's own mm may).
 *
 * All lengths are bytes, all addresses page-aligned. Results are 0 or -errno, already sorted into what a caller can do:
 *   -EAGAIN  the mm is changing (an unread fork event): read events, then retry
 *   -EEXIST  the page is present already; its waiters were woken
 *   -ENOENT  no such registered range any more
 *   -ESRCH   the mm is gone
 */
#ifndef PAGER_UFFD_H
#define PAGER_UFFD_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a live run cannot do without, and what it would like. */
int uffd_open_device(void); /* /dev/userfaultfd, or -errno */
/* UFFDIO_API with everything the pager uses; -EINVAL: kernel too old. *fork_events: forks of this mm are told, which takes
 * CAP_SYS_PTRACE. */
int uffd_api(int uffd, bool *fork_events);
int uffd_probe(uint64_t *features, bool *user_mode_only); /* makes and drops one in this process */

int uffd_register(int uffd, uint64_t start, uint64_t len, bool wp);
int uffd_unregister(int uffd, uint64_t start, uint64_t len);
/* Copies up to `pages` pages and wakes who waits for them; returns how many came to be. */
uint32_t uffd_copy_run(int uffd, uint64_t dst, const void *src, uint32_t pages, bool wp);
int uffd_copy(int uffd, uint64_t dst, const void *src, uint64_t len, bool wp, bool wake);
int uffd_protect(int uffd, uint64_t start, uint64_t len, bool protect); /* lifting wakes */
int uffd_wake(int uffd, uint64_t start, uint64_t len);
bool uffd_mm_alive(int uffd);

#endif
