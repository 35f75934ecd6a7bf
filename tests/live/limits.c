/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.c - lowers one resource limit to what it has in use (RLIMIT_AS and _DATA: and 64 MiB), then works
 * and forks.
 *
 *   limits nofile|as|data|stack|fsize|cpu|core
 */
#define _GNU_SOURCE
#include "tests/live/churn.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MIB (1024 * 1024ul)

/* A field of /proc/self/status in bytes. */
static unsigned long in_use(const char *field)
{
	char line[256];
	unsigned long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			kib = strtoul(line + strlen(field), NULL, 10);
	if (f)
		fclose(f);
	return kib * 1024;
}

static void try_map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	printf("%zu MiB: %s\n", bytes / MIB, p == MAP_FAILED ? strerror(errno) : "ok");
	if (p != MAP_FAILED)
		munmap(p, bytes);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "nofile";
	static const struct {
		const char *name;
		int resource;
		unsigned long value;
		const char *field;
	} limits[] = {
		{ "nofile", RLIMIT_NOFILE, 0, NULL },
		{ "as", RLIMIT_AS, 64 * MIB, "VmSize:" },
		{ "data", RLIMIT_DATA, 64 * MIB, "VmData:" },
		{ "stack", RLIMIT_STACK, 64 * 1024, NULL },
		{ "fsize", RLIMIT_FSIZE, 4096, NULL },
		{ "cpu", RLIMIT_CPU, 100, NULL },
		{ "core", RLIMIT_CORE, 0, NULL },
	};
	struct block b = churn_make(900);
	size_t wrong = churn_walk(&b, 1);
	int status = 0;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		unsigned long value = limits[i].value;

		if (strcmp(what, limits[i].name))
			continue;
		value += limits[i].field ? in_use(limits[i].field) : 0;
		if (setrlimit(limits[i].resource, &(struct rlimit){ value, value }))
			return perror("setrlimit"), 2;
	}
	if (!strcmp(what, "as") || !strcmp(what, "data")) {
		try_map(16 * MIB);
		try_map(256 * MIB);
	}
	wrong += churn_walk(&b, 2);

	pid_t pid = fork();

	if (!pid)
		_exit(churn_walk(&b, 2) != 0);
	wrong += pid < 0 || waitpid(pid, &status, 0) != pid || status;
	wrong += churn_walk(&b, 1);
	return churn_say("memory", wrong);
}
