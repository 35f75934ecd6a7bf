/* SPDX-License-Identifier: Apache-2.0 */
/* proc.c - see proc.h. */
#include "pager/proc.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char proc_state(pid_t pid, pid_t tid, pid_t *ppid)
{
	char path[64], buf[256], *p, state = 0;
	int parent = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT || errno == ESRCH ? 0 : '?';
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = 0;
	p = strrchr(buf, ')'); /* the name before it may hold anything */
	if (p && sscanf(p + 1, " %c %d", &state, &parent) == 2 && ppid)
		*ppid = parent;
	return state;
}

static bool has_loader(const unsigned char *file, size_t bytes)
{
	Elf64_Ehdr e;
	Elf64_Phdr h;
	size_t i;

	memcpy(&e, file, sizeof(e));
	if (e.e_phoff > bytes)
		return false;
	for (i = 0; i < e.e_phnum && e.e_phoff + (i + 1) * sizeof(h) <= bytes; i++) {
		memcpy(&h, file + e.e_phoff + i * sizeof(h), sizeof(h));
		if (h.p_type == PT_INTERP)
			return true;
	}
	return false;
}

const char *proc_why_native(pid_t pid)
{
	unsigned char file[4096];
	struct stat st = { 0 };
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	fstat(fd, &st);
	n = read(fd, file, sizeof(file));
	close(fd);
	if (n < (ssize_t)sizeof(Elf64_Ehdr) || memcmp(file, ELFMAG, SELFMAG) != 0)
		return NULL;
	if (file[EI_CLASS] != ELFCLASS64)
		return "a 32-bit program";
	if (!has_loader(file, (size_t)n))
		return "a static program: it has no loader that could start the shim";
	if (st.st_mode & (S_ISUID | S_ISGID))
		return "a setuid program: the loader starts no shim in it";
	return "LD_PRELOAD was not passed on to it";
}
