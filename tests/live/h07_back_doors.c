/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h07_back_doors.c - changes of paged memory by unusual calls. What a call answers may differ with a pager;
 * what the memory holds afterwards may not: either the call did its work or nothing.
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>

int main(void)
{
	struct block b = churn_make(800);
	size_t wrong = churn_walk(&b, 1), bytes = b.pages * PAGE;
	struct iovec all = { (void *)b.word, bytes };
	int self = (int)syscall(434 /* pidfd_open */, getpid(), 0);

	for (int advice = 20; advice <= 21; advice++) { /* MADV_COLD, MADV_PAGEOUT */
		syscall(440 /* process_madvise */, self, &all, 1, advice, 0);
		wrong += churn_check(&b);
		churn_write(&b);
	}
	syscall(SYS_remap_file_pages, b.word, bytes, 0, 0, 0);
	wrong += churn_walk(&b, 1);

	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { (uintptr_t)b.word, bytes },
				       .mode = UFFDIO_REGISTER_MODE_WP };

	if (uffd >= 0 && !ioctl(uffd, UFFDIO_API, &api) && !ioctl(uffd, UFFDIO_REGISTER, &reg))
		ioctl(uffd, UFFDIO_UNREGISTER, &reg.range);
	wrong += churn_walk(&b, 1);
	if (uffd >= 0)
		close(uffd);
	wrong += churn_walk(&b, 1);

	int id = shmget(IPC_PRIVATE, 64 * PAGE, IPC_CREAT | 0600);
	char *at = (char *)b.word + 100 * PAGE;

	if (shmat(id, at, SHM_REMAP) != at)
		return perror("shmat"), 2;
	shmctl(id, IPC_RMID, NULL);
	for (size_t i = 0; i < 64; i++)
		wrong += *(volatile uint64_t *)(at + i * PAGE) != 0;
	memset(at, 7, 64 * PAGE);
	for (size_t i = 0; i < 100; i++) /* before it and behind it nothing changed */
		wrong += b.word[i * WORDS] != churn_word(b.generation, i);
	for (size_t i = 164; i < b.pages; i++)
		wrong += b.word[i * WORDS] != churn_word(b.generation, i);
	shmdt(at);
	if (mmap(at, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) != at)
		return perror("mmap"), 2;
	churn_write(&b);
	wrong += churn_check(&b);

	/* madvise over a range with a hole: ENOMEM, but what is mapped is done */
	munmap(at, PAGE);
	wrong += madvise((void *)b.word, bytes, MADV_DONTNEED) == 0;
	for (size_t i = 0; i < b.pages; i++)
		wrong += i != 100 && b.word[i * WORDS] != 0;
	wrong += syscall(SYS_madvise, b.word, bytes, 9999) == 0;
	return churn_say("memory", wrong);
}
