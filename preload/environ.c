/* SPDX-License-Identifier: Apache-2.0 */
/*
 * environ.c - hides our LD_PRELOAD entry from the program and gives it back to the programs it starts (H15).
 *
 * The constructor cuts our path out of LD_PRELOAD in `environ` (and the whole variable when nothing else is left). The exec
 * and spawn functions below put it in front of whatever LD_PRELOAD their environment holds. They may run in a vfork child:
 * no malloc, the new array lives on the stack. A raw execve syscall is not seen here; its program runs unpaged and is reported.
 */
#include "preload/shim.h"

#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VAR "LD_PRELOAD="
#define VAR_LEN (sizeof(VAR) - 1)

extern char **environ;

static char
	own[4096]; /* path of this library as LD_PRELOAD named it, "" when the variable did not name it */

static size_t env_count(char *const *envp)
{
	size_t n = 0;

	while (envp && envp[n])
		n++;
	return n;
}

void environ_init(void)
{
	char **e, *v, *rest;
	size_t n;

	for (e = environ; e && *e && strncmp(*e, VAR, VAR_LEN); e++)
		;
	if (!e || !*e)
		return;
	v = *e + VAR_LEN;
	n = strcspn(v, ": ");
	if (!n || n >= sizeof(own) || !memmem(v, n, "libvmm_preload", 14))
		return;
	memcpy(own, v, n);
	rest = v + n;
	if (*rest) {
		memmove(v, rest + 1, strlen(rest + 1) + 1);
		return;
	}
	for (; *e; e++)
		e[0] = e[1];
}

/* Bytes that the restored variable needs; 0 when envp has it already or nothing is to be restored. */
static size_t restored_bytes(char *const *envp)
{
	size_t n = own[0] ? VAR_LEN + strlen(own) + 1 : 0;

	for (; n && envp && *envp; envp++) {
		if (strncmp(*envp, VAR, VAR_LEN))
			continue;
		if (strstr(*envp, own))
			return 0;
		return n + 1 + strlen(*envp + VAR_LEN);
	}
	return n;
}

/* Fills out[0 .. count + 2) with envp and our variable in text. */
static void restore(char **out, char *text, char *const *envp)
{
	const char *rest = NULL;
	size_t n = 0;

	for (; envp && *envp; envp++) {
		if (!strncmp(*envp, VAR, VAR_LEN))
			rest = *envp + VAR_LEN;
		else
			out[n++] = *envp;
	}
	strcpy(text, VAR);
	strcat(text, own);
	if (rest && *rest) {
		strcat(text, ":");
		strcat(text, rest);
	}
	out[n++] = text;
	out[n] = NULL;
}

/* The environment that a new program gets, built in the caller's stack frame. */
/* NOLINTBEGIN(bugprone-macro-parentheses): the macro declares `name` */
#define RESTORED(name, envp)                                                                       \
	char *const *name = (envp);                                                                \
	do {                                                                                       \
		size_t bytes_ = restored_bytes(name);                                              \
		if (bytes_) {                                                                      \
			char **array_ = alloca((env_count(name) + 2) * sizeof(char *));            \
			char *text_ = alloca(bytes_);                                              \
			restore(array_, text_, name);                                              \
			name = array_;                                                             \
		}                                                                                  \
	} while (0)
/* NOLINTEND(bugprone-macro-parentheses) */

#define REAL(ret, name, ...)                                                                       \
	static ret (*real)(__VA_ARGS__);                                                           \
	if (!real)                                                                                 \
	real = (ret(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

int execve(const char *path, char *const argv[], char *const envp[])
{
	REAL(int, execve, const char *, char *const[], char *const[]);
	RESTORED(env, envp);
	return real(path, argv, env);
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
	REAL(int, execvpe, const char *, char *const[], char *const[]);
	RESTORED(env, envp);
	return real(file, argv, env);
}

int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
	REAL(int, fexecve, int, char *const[], char *const[]);
	RESTORED(env, envp);
	return real(fd, argv, env);
}

int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	REAL(int, execveat, int, const char *, char *const[], char *const[], int);
	RESTORED(env, envp);
	return real(dirfd, path, argv, env, flags);
}

/* The argument list of an execl-like call as an array on the caller's stack. `ap` ends behind the NULL. */
/* NOLINTBEGIN(bugprone-macro-parentheses): the macro declares `argv` */
#define ARGV(argv, first, ap)                                                                      \
	char **argv;                                                                               \
	do {                                                                                       \
		va_list count_;                                                                    \
		size_t n_ = 1, i_;                                                                 \
		va_copy(count_, ap);                                                               \
		while (va_arg(count_, char *))                                                     \
			n_++;                                                                      \
		va_end(count_);                                                                    \
		argv = alloca((n_ + 1) * sizeof(char *));                                          \
		argv[0] = (char *)(first);                                                         \
		for (i_ = 1; i_ <= n_; i_++)                                                       \
			argv[i_] = va_arg(ap, char *);                                             \
	} while (0)
/* NOLINTEND(bugprone-macro-parentheses) */

int execl(const char *path, const char *arg, ...)
{
	va_list ap;

	va_start(ap, arg);
	ARGV(argv, arg, ap);
	va_end(ap);
	return execve(path, argv, environ);
}

int execlp(const char *file, const char *arg, ...)
{
	va_list ap;

	va_start(ap, arg);
	ARGV(argv, arg, ap);
	va_end(ap);
	return execvpe(file, argv, environ);
}

int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	va_list ap;

	va_start(ap, arg);
	ARGV(argv, arg, ap);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, envp);
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *fa,
		const posix_spawnattr_t *at, char *const argv[], char *const envp[])
{
	REAL(int, posix_spawn, pid_t *, const char *, const posix_spawn_file_actions_t *,
	     const posix_spawnattr_t *, char *const[], char *const[]);
	RESTORED(env, envp);
	return real(pid, path, fa, at, argv, env);
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *fa,
		 const posix_spawnattr_t *at, char *const argv[], char *const envp[])
{
	REAL(int, posix_spawnp, pid_t *, const char *, const posix_spawn_file_actions_t *,
	     const posix_spawnattr_t *, char *const[], char *const[]);
	RESTORED(env, envp);
	return real(pid, file, fa, at, argv, env);
}

/* system() and popen() read `environ` themselves: they see the restored one for the length of the call. */
int system(const char *command)
{
	REAL(int, system, const char *);
	char **saved = environ;
	int rc, err;
	RESTORED(env, environ);

	environ = (char **)env;
	rc = real(command);
	err = errno;
	if (environ == (char **)env)
		environ = saved;
	errno = err;
	return rc;
}

FILE *popen(const char *command, const char *mode)
{
	REAL(FILE *, popen, const char *, const char *);
	char **saved = environ;
	FILE *f;
	int err;
	RESTORED(env, environ);

	environ = (char **)env;
	f = real(command, mode);
	err = errno;
	if (environ == (char **)env)
		environ = saved;
	errno = err;
	return f;
}
