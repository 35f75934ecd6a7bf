/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_compile.c - compiles a policy of the user's own (policy_load.h).
 *
 * The source is preprocessed first; the hash of that text, of the compiler's name and of its arguments names the object in
 * the cache, $XDG_CACHE_HOME/vmm or ~/.cache/vmm. So a change of any header that it includes is a change, and a second
 * run costs the preprocessor alone. A cache that is not there, not the user's own or not writable is not used: the object is
 * then a temporary file. An object comes into the cache by rename, so that two runs at once do no harm.
 *
 * The compiler is $CC, else cc: one word, started without a shell. Its messages go to stderr. $VMM_INCLUDE is the
 * directory that has core/policy.h, else it is looked for beside vmm: in the sources, or where `make install` puts it.
 */
#include "cli/cli.h"
#include "cli/policy_load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#define ARGS_MAX 32

extern char **environ;

/* The options that every file of core/policies/ is compiled with, and that make it safe to try. */
static const char *const options[] = {
	"-std=gnu11",
	"-O3",
	"-g",
	"-fPIC",
	"-D_GNU_SOURCE=",
	"-Wall",
	"-fno-semantic-interposition",
	"-Wextra",
	"-DREPLAY_UNIT_TRUSTED=false",
	"-include",
	"core/replay/unit.h",
};

static const char *compiler(void)
{
	const char *cc = getenv("CC");

	return cc && *cc ? cc : "cc";
}

/* --- where the headers are --------------------------------------------------------------------------------------- */

static bool has_headers(const char *directory)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/core/replay/unit.h", directory);
	return access(path, R_OK) == 0;
}

/* 0, or -EINVAL after a complaint. */
static int headers_find(const char *source, char directory[PATH_MAX])
{
	/* bin/vmm in the sources, build/MODE/bin/vmm there, PREFIX/bin/vmm */
	static const char *const beside[] = { "/..", "/../../..", "/../include/vmm" };
	const char *given = getenv("VMM_INCLUDE");
	char self[PATH_MAX], *slash;
	ssize_t n;

	if (given && *given && strlen(given) < PATH_MAX) {
		strcpy(directory, given);
		if (has_headers(directory))
			return 0;
		complain("VMM_INCLUDE", NULL, "'%s' has no core/replay/unit.h", given);
		return -EINVAL;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	if (slash)
		*slash = 0;
	for (size_t i = 0; slash && i < sizeof(beside) / sizeof(beside[0]); i++)
		if (snprintf(directory, PATH_MAX, "%s%s", self, beside[i]) < PATH_MAX &&
		    has_headers(directory))
			return 0;
	complain(source, "Set VMM_INCLUDE to the directory that has core/policy.h.",
		 "the headers that a policy needs are not beside vmm");
	return -EINVAL;
}

/* --- running the compiler ---------------------------------------------------------------------------------------- */

/* Starts it with stdout on `out` (-1: ours). The exit status, -errno when it did not start. */
static int spawn(const char *const argv[], int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);

	if (err)
		return -err;
	if (out >= 0)
		err = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!err)
		err = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int failed(const char *source, int status)
{
	if (status < 0)
		complain(source, "Install a C compiler, or set CC to the one that is there.",
			 "'%s' cannot be started: %s", compiler(), strerror(-status));
	else
		complain(source, "What it says is above.", "%s does not compile it", compiler());
	return -EINVAL;
}

static int arguments(const char *argv[ARGS_MAX], const char *source, const char *include,
		     const char *const tail[])
{
	int n = 0;

	argv[n++] = compiler();
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		argv[n++] = options[i];
	argv[n++] = include;
	argv[n++] = source;
	while (*tail)
		argv[n++] = *tail++;
	argv[n] = NULL;
	return n;
}

/* Reads to the end of file. */
static void hash_stream(XXH3_state_t *hash, int fd)
{
	char buffer[65536];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			XXH3_128bits_update(hash, buffer, (size_t)n);
}

/* The hash of what would be compiled, and of how. */
static int source_hash(const char *source, const char *include, char text[33])
{
	static const char *const tail[] = { "-E", NULL };
	const char *argv[ARGS_MAX] = { NULL };
	XXH3_state_t *hash = XXH3_createState();
	int n = arguments(argv, source, include, tail), ends[2], status;
	XXH128_hash_t h;
	pid_t pid = 0;

	if (!hash || pipe2(ends, O_CLOEXEC)) {
		XXH3_freeState(hash);
		complain(source, NULL, "out of memory or files");
		return -EINVAL;
	}
	XXH3_128bits_reset(hash);
	for (int i = 0; i < n; i++)
		XXH3_128bits_update(hash, argv[i], strlen(argv[i]) + 1);
	status = spawn(argv, ends[1], &pid);
	close(ends[1]);
	if (!status) {
		hash_stream(hash, ends[0]);
		status = wait_status(pid);
	}
	close(ends[0]);
	h = XXH3_128bits_digest(hash);
	XXH3_freeState(hash);
	snprintf(text, 33, "%016llx%016llx", (unsigned long long)h.high64,
		 (unsigned long long)h.low64);
	return status ? failed(source, status) : 0;
}

/* --- the cache --------------------------------------------------------------------------------------------------- */

/* The directory, made when it is not there; false when it cannot be trusted or used. */
static bool cache_directory(char directory[PATH_MAX])
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	struct stat st;

	if (cache && *cache == '/') {
		if (snprintf(directory, PATH_MAX, "%s", cache) >= PATH_MAX)
			return false;
	} else if (!home || *home != '/' ||
		   snprintf(directory, PATH_MAX, "%s/.cache", home) >= PATH_MAX) {
		return false;
	}
	(void)mkdir(directory, 0700);
	if (strlen(directory) + 5 > PATH_MAX)
		return false;
	strcat(directory, "/vmm");
	(void)mkdir(directory, 0700);
	return lstat(directory, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH)) && access(directory, W_OK | X_OK) == 0;
}

/* A new, empty file; its path is to be freed. NULL: it cannot be made. */
static char *object_make(const char *directory)
{
	char *path = NULL;
	int fd;

	if (asprintf(&path, "%s/vmm-policy-XXXXXX.so", directory) < 0)
		return NULL;
	fd = mkostemps(path, 3, O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return path;
	}
	free(path);
	return NULL;
}

static int compile(const char *source, const char *include, const char *object)
{
	const char *const tail[] = { "-shared", "-lm", "-o", object, NULL };
	const char *argv[ARGS_MAX] = { NULL };
	int status;
	pid_t pid = 0;

	arguments(argv, source, include, tail);
	status = spawn(argv, -1, &pid);
	if (!status)
		status = wait_status(pid);
	return status ? failed(source, status) : 0;
}

int policy_compile(const char *source, char **object, int *temporary)
{
	char headers[PATH_MAX], include[PATH_MAX + 2], directory[PATH_MAX], hash[33];
	const char *tmp = getenv("TMPDIR");
	char *cached = NULL;
	int err;

	if (headers_find(source, headers))
		return -EINVAL;
	snprintf(include, sizeof(include), "-I%s", headers);
	if (source_hash(source, include, hash))
		return -EINVAL;
	*temporary = !cache_directory(directory);
	if (!*temporary) {
		if (asprintf(&cached, "%s/%s.so", directory, hash) < 0)
			cached = NULL;
		if (cached && access(cached, R_OK) == 0) {
			*object = cached;
			return 0;
		}
	}
	*object = object_make(*temporary ? (tmp && *tmp ? tmp : "/tmp") : directory);
	if (!*object) {
		complain(source, "Set TMPDIR to a directory that can be written.",
			 "there is no place for the object: %s", strerror(errno));
		free(cached);
		return -EINVAL;
	}
	err = compile(source, include, *object);
	if (err) {
		unlink(*object);
		free(*object);
		free(cached);
		return err;
	}
	if (cached && rename(*object, cached) == 0) {
		free(*object);
		*object = cached;
		return 0;
	}
	free(cached);
	*temporary = 1;
	return 0;
}
