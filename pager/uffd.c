/* SPDX-License-Identifier: Apache-2.0 */
/* uffd.c - see uffd.h. Everything about EAGAIN, EEXIST and partial copies is decided here and nowhere else. */
#include "pager/uffd.h"

#include "pager/compat.h"
#include "preload/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UFFD_NEEDED                                                                                \
	(UFFD_FEATURE_MOVE | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_THREAD_ID |                   \
	 UFFD_FEATURE_PAGEFAULT_FLAG_WP)

int uffd_open_device(void)
{
	int fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int uffd_api(int uffd, bool *fork_events)
{
	struct uffdio_api api = { .api = UFFD_API,
				  .features = UFFD_NEEDED | UFFD_FEATURE_EVENT_FORK };

	*fork_events = true;
	if (ioctl(uffd, UFFDIO_API, &api) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	*fork_events = false;
	api = (struct uffdio_api){ .api = UFFD_API, .features = UFFD_NEEDED };
	return ioctl(uffd, UFFDIO_API, &api) < 0 ? -errno : 0;
}

static int uffd_new(bool *user_mode_only)
{
	int fd = -1, dev = uffd_open_device();

	*user_mode_only = false;
	if (dev >= 0) {
		fd = ioctl(dev, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
		close(dev);
	}
	if (fd < 0)
		fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == EPERM) {
		fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
		*user_mode_only = fd >= 0;
	}
	return fd < 0 ? -errno : fd;
}

int uffd_probe(uint64_t *features, bool *user_mode_only)
{
	struct uffdio_api api = { .api = UFFD_API };
	int rc = 0, fd = uffd_new(user_mode_only);

	*features = 0;
	if (fd < 0)
		return fd;
	if (ioctl(fd, UFFDIO_API, &api) < 0)
		rc = -errno;
	else
		*features = api.features;
	close(fd);
	return rc;
}

int uffd_register(int uffd, uint64_t start, uint64_t len, bool wp)
{
	struct uffdio_register reg = { .range = { start, len },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (wp)
		reg.mode |= UFFDIO_REGISTER_MODE_WP;
	return ioctl(uffd, UFFDIO_REGISTER, &reg) < 0 ? -errno : 0;
}

int uffd_unregister(int uffd, uint64_t start, uint64_t len)
{
	struct uffdio_range range = { start, len };

	return ioctl(uffd, UFFDIO_UNREGISTER, &range) < 0 ? -errno : 0;
}

int uffd_copy(int uffd, uint64_t dst, const void *src, uint64_t len, bool wp, bool wake)
{
	struct uffdio_copy copy = { .dst = dst, .src = (uintptr_t)src, .len = len };

	if (wp)
		copy.mode |= UFFDIO_COPY_MODE_WP;
	if (!wake)
		copy.mode |= UFFDIO_COPY_MODE_DONTWAKE;
	for (;;) {
		if (ioctl(uffd, UFFDIO_COPY, &copy) == 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN &&
		    copy.copy > 0) { /* part of it is in place: go on behind it */
			copy.dst += (uint64_t)copy.copy;
			copy.src += (uint64_t)copy.copy;
			copy.len -= (uint64_t)copy.copy;
			copy.copy = 0;
			if (!copy.len)
				return 0;
			continue;
		}
		break;
	}
	if (errno == EEXIST) {
		if (wake)
			uffd_wake(uffd, dst, len);
		return -EEXIST;
	}
	return -errno;
}

uint32_t uffd_copy_run(int uffd, uint64_t dst, const void *src, uint32_t pages, bool wp)
{
	struct uffdio_copy copy = { .dst = dst,
				    .src = (uintptr_t)src,
				    .len = (uint64_t)pages * VMM_PAGE,
				    .mode = wp ? UFFDIO_COPY_MODE_WP : 0 };

	ioctl(uffd, UFFDIO_COPY, &copy);
	return copy.copy > 0 ? (uint32_t)((uint64_t)copy.copy / VMM_PAGE) : 0;
}

int uffd_protect(int uffd, uint64_t start, uint64_t len, bool protect)
{
	struct uffdio_writeprotect wp = { .range = { start, len } };

	if (protect)
		wp.mode = UFFDIO_WRITEPROTECT_MODE_WP;
	return ioctl(uffd, UFFDIO_WRITEPROTECT, &wp) < 0 ? -errno : 0;
}

int uffd_wake(int uffd, uint64_t start, uint64_t len)
{
	struct uffdio_range range = { start, len };

	return ioctl(uffd, UFFDIO_WAKE, &range) < 0 ? -errno : 0;
}

/* A zero-page request for the gate page, which is never registered: ENOENT while the mm lives, ESRCH afterwards. */
bool uffd_mm_alive(int uffd)
{
	struct uffdio_zeropage zero = { .range = { VMM_GATE_ADDR, VMM_PAGE },
					.mode = UFFDIO_ZEROPAGE_MODE_DONTWAKE };

	return !(ioctl(uffd, UFFDIO_ZEROPAGE, &zero) < 0 && errno == ESRCH);
}
