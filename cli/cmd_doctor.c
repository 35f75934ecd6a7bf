/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_doctor.c - `vmm doctor`: what this machine offers, and in words what to do about each thing that is missing.
 *
 * pager_probe() has the last word on whether live runs work; the other lines explain it. Nothing is changed.
 */
#include "cli/cli.h"
#include "pager/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CAP_SYS_PTRACE_BIT 19 /* linux/capability.h */

enum verdict { GOOD, NOTE, MISSING };

static void verdict(enum verdict v, const char *what, const char *todo, const char *found, ...)
	__attribute__((format(printf, 4, 5)));

static void verdict(enum verdict v, const char *what, const char *todo, const char *found, ...)
{
	static const char *const marks[] = { "ok", "note", "MISSING" };
	va_list args;

	printf("%-8s %-24s ", marks[v], what);
	va_start(args, found);
	vprintf(found, args);
	va_end(args);
	putchar('\n');
	if (todo && v != GOOD)
		printf("%-8s -> %s\n", "", todo);
}

/* The first line of a small file, without its end: 0, or -errno. */
static int file_line(const char *path, char *line, int bytes)
{
	FILE *file = fopen(path, "re");
	int err = 0;

	if (!file)
		return -errno;
	if (!fgets(line, bytes, file))
		err = -EIO;
	else
		line[strcspn(line, "\n")] = 0;
	fclose(file);
	return err;
}

/* The number after "KEY:" in a /proc file of such lines: 0, or -errno. */
static int file_key(const char *path, const char *key, int base, uint64_t *value)
{
	FILE *file = fopen(path, "re");
	char line[256];
	size_t n = strlen(key);
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (err && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, n) || line[n] != ':')
			continue;
		err = sscanf(line + n + 1, base == 16 ? "%" SCNx64 : "%" SCNu64, value) == 1 ? 0
											     : -EIO;
	}
	fclose(file);
	return err;
}

static bool may_ptrace(void)
{
	uint64_t capabilities = 0;

	return !file_key("/proc/self/status", "CapEff", 16, &capabilities) &&
	       (capabilities >> CAP_SYS_PTRACE_BIT & 1);
}

static void kernel(void)
{
	struct utsname u;
	unsigned major = 0, minor = 0;
	bool old;

	if (uname(&u))
		return;
	old = sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	      (major < 6 || (major == 6 && minor < 8));
	verdict(old ? NOTE : GOOD, "kernel",
		"Live runs need UFFDIO_MOVE, which Linux has since 6.8; boot a newer kernel.",
		"%s %s %s", u.sysname, u.release, u.machine);
	if (strcmp(u.machine, "x86_64"))
		verdict(MISSING, "architecture", "Live runs are built for x86_64.", "%s",
			u.machine);
}

/* Page faults of the kernel itself (a read(2) into an evicted buffer) must reach us: any one of three ways. */
static void userfaultfd_access(void)
{
	char value[16] = "";
	bool capable = may_ptrace(), sysctl, device = !access("/dev/userfaultfd", R_OK | W_OK);
	int err = device ? 0 : errno;

	sysctl = !file_line("/proc/sys/vm/unprivileged_userfaultfd", value, sizeof(value)) &&
		 !strcmp(value, "1");
	verdict(device ? GOOD : NOTE, "/dev/userfaultfd",
		err == ENOENT
			? "The device exists since Linux 6.1; in a container it must be passed in."
			: "Let a group use it: chgrp and chmod g+rw /dev/userfaultfd.",
		"%s", device ? "may be opened" : strerror(err));
	verdict(capable ? GOOD : NOTE, "CAP_SYS_PTRACE",
		device ? "A process that forks is resident as a whole meanwhile; to avoid that: `setcap cap_sys_ptrace+ep` on the vmm file."
		       : "Needed where /dev/userfaultfd may not be opened: run as root.",
		"%s", capable ? "yes" : "no: forks are not told");
	verdict(capable || device || sysctl ? GOOD : NOTE, "unprivileged_userfaultfd",
		"It may stay so when one of the two above is there.",
		"vm.unprivileged_userfaultfd = %s", *value ? value : "unknown");
	if (!capable && !device && !sysctl)
		verdict(MISSING, "permission",
			"Get access to /dev/userfaultfd, or run as root (in a container: with CAP_SYS_PTRACE).",
			"userfaultfd cannot be used by this user");
}

static void seccomp(void)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;
	uint64_t mode = 0;
	long err = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) ? errno : 0;

	verdict(err ? MISSING : GOOD, "seccomp listener",
		"The kernel needs CONFIG_SECCOMP_FILTER; a container's own profile may forbid it.",
		"%s", err ? strerror((int)err) : "available");
	if (!file_key("/proc/self/status", "Seccomp", 10, &mode) && mode == 2)
		verdict(NOTE, "seccomp here",
			"If something below fails with EPERM, allow userfaultfd, seccomp, pidfd_getfd and ptrace.",
			"this shell is under a filter already (a container?)");
	if (geteuid())
		verdict(NOTE, "no_new_privs", NULL,
			"set for an ordinary user's runs: setuid programs in them get no privilege");
}

static void ptrace_scope(void)
{
	char value[16] = "";

	if (file_line("/proc/sys/kernel/yama/ptrace_scope", value, sizeof(value))) {
		verdict(GOOD, "yama ptrace_scope", NULL, "not restricted");
		return;
	}
	verdict(value[0] == '0' || (value[0] < '3' && may_ptrace()) ? GOOD : MISSING,
		"yama ptrace_scope",
		value[0] < '3'
			? "It needs CAP_SYS_PTRACE: run as root, or `setcap cap_sys_ptrace+ep` on the vmm file."
			: "3 forbids pidfd_getfd until the next boot.",
		"%s", value);
}

static void memory(void)
{
	char line[128] = "", size[SIZE_TEXT_BYTES], half[SIZE_TEXT_BYTES];
	uint64_t available_kib = 0;

	if (!file_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof(line)))
		verdict(GOOD, "transparent huge pages", NULL,
			"%s; paged ranges get MADV_NOHUGEPAGE", line);
	if (file_key("/proc/meminfo", "MemAvailable", 10, &available_kib))
		return;
	verdict(available_kib < 64 << 10 ? NOTE : GOOD, "memory",
		"Little is left for evicted pages; end something or give --store-limit.",
		"%s available; a run is stopped when it has stored %s (--store-limit)",
		size_text(size, available_kib << 10), size_text(half, available_kib << 9));
}

static int doctor_main(const struct command *self, int argc, char **argv)
{
	char why[256] = "", remedy[512] = "";
	int first, result = options_parse(self, NULL, argc, argv, &first);

	if (result)
		return result == OPTIONS_DONE ? STATUS_OK : STATUS_USAGE;
	if (first < argc) {
		complain(argv[first], NULL, "doctor takes no arguments");
		return STATUS_USAGE;
	}
	kernel();
	userfaultfd_access();
	seccomp();
	ptrace_scope();
	memory();
	if (pager_inside()) {
		verdict(MISSING, "live runs", "Run the outer vmm alone.",
			"this shell runs under vmm");
		return STATUS_FAILED;
	}
	result = pager_probe(why, sizeof(why), remedy, sizeof(remedy));
	verdict(result ? MISSING : GOOD, "live runs", remedy[0] ? remedy : NULL, "%s",
		!result  ? "work here: vmm run -- PROGRAM"
		: why[0] ? why
			 : strerror(-result));
	return result ? STATUS_FAILED : STATUS_OK;
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "",
	.summary = "Say what this machine offers, and what to do about what is missing",
	.details = "Exit status: 0 when live runs work, 1 when something they need is missing.\n",
	.main = doctor_main,
};
