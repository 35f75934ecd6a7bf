/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - see filter.h. */
#include "pager/filter.h"

#include "pager/compat.h"
#include "preload/protocol.h"

#include <asm/ioctl.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The table of H7: every back door to the address space. */
static const int trapped[] = {
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(process_madvise),
	SCMP_SYS(mprotect),
	SCMP_SYS(pkey_mprotect),
	SCMP_SYS(mlock),
	SCMP_SYS(mlock2),
	SCMP_SYS(mlockall),
	SCMP_SYS(shmat),
	SCMP_SYS(remap_file_pages),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(exit),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(capset),
	SCMP_SYS(seccomp),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(vmsplice),
};

/* VM calls that must not come from a paged process in another ABI. */
static const int foreign[] = {
	SCMP_SYS(mmap),    SCMP_SYS(mmap2),    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk),
	SCMP_SYS(madvise), SCMP_SYS(mprotect), SCMP_SYS(clone),  SCMP_SYS(fork),   SCMP_SYS(vfork),
};

static int add_rules(scmp_filter_ctx ctx)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < sizeof(trapped) / sizeof(*trapped); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, trapped[i], 0);
	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, VMM_HYPERCALL_NR, 0);
	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1,
				      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, UFFDIO_REGISTER));
	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(prctl), 1,
				      SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP));
	return rc;
}

static int add_foreign(scmp_filter_ctx ctx)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < sizeof(foreign) / sizeof(*foreign); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, foreign[i], 0);
	return rc;
}

/*
 * Takes over what seccomp_export_bpf wrote into fd, with every "notify" turned into a jump to the gate test at the end. The
 * test stands there and not in front so that the kernel can see which syscalls are allowed whatever their arguments are: those
 * then cost nothing.
 */
static int join(int fd, struct sock_fprog *prog)
{
	const struct sock_filter gate[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (__u32)(VMM_GATE_ADDR >> 32), 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(__u32)(VMM_GATE_BYTES - 1)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (__u32)VMM_GATE_ADDR, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_filter *code;
	struct stat st;
	size_t n, i;

	if (fstat(fd, &st) < 0)
		return -errno;
	n = (size_t)st.st_size / sizeof(*code);
	code = malloc((size_t)st.st_size + sizeof(gate));
	if (!code)
		return -ENOMEM;
	if (pread(fd, code, n * sizeof(*code), 0) != (ssize_t)(n * sizeof(*code))) {
		free(code);
		return -EIO;
	}
	for (i = 0; i < n; i++)
		if (code[i].code == (BPF_RET | BPF_K) && code[i].k == SECCOMP_RET_USER_NOTIF)
			code[i] =
				(struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (__u32)(n - i - 1));
	memcpy(code + n, gate, sizeof(gate));
	prog->filter = code;
	prog->len = (unsigned short)(n + sizeof(gate) / sizeof(*gate));
	return 0;
}

int filter_build(struct sock_fprog *prog)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW), other = NULL;
	int rc = -ENOMEM, fd = -1;

	if (!ctx)
		return -ENOMEM;
	other = seccomp_init(SCMP_ACT_ALLOW);
	if (!other)
		goto out;
	if ((rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) ||
	    (rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW)) ||
	    (rc = seccomp_attr_set(other, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW)) ||
	    (rc = add_rules(ctx)) || (rc = seccomp_arch_remove(other, SCMP_ARCH_NATIVE)) ||
	    (rc = seccomp_arch_add(other, SCMP_ARCH_X86)) ||
	    (rc = seccomp_arch_add(other, SCMP_ARCH_X32)) || (rc = add_foreign(other)) ||
	    (rc = seccomp_merge(ctx, other)))
		goto out;
	other = NULL; /* merged: belongs to ctx */
	fd = memfd_create("vmm-filter", MFD_CLOEXEC);
	rc = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
	if (!rc)
		rc = join(fd, prog);
out:
	if (fd >= 0)
		close(fd);
	if (other)
		seccomp_release(other);
	seccomp_release(ctx);
	return rc;
}

int filter_load(const struct sock_fprog *prog)
{
	unsigned int flags = SECCOMP_FILTER_FLAG_NEW_LISTENER |
			     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);

	if (fd < 0 &&
	    errno == EACCES) { /* no CAP_SYS_ADMIN: setuid programs lose their privilege (H10) */
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
	}
	return fd < 0 ? -errno : (int)fd;
}
