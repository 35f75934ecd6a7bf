/* SPDX-License-Identifier: Apache-2.0 */
/* run_program.c - see run_program.h. */
#include "cli/run_program.h"
#include "cli/cli.h"
#include "cli/report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0 when `path` can be executed, else -errno. */
static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return access(path, X_OK) ? -errno : 0;
}

/* As execvp looks for it: 0, -ENOENT, or why the best candidate cannot be executed. */
static int program_find(const char *name)
{
	const char *dir = getenv("PATH");
	char path[PATH_MAX];
	int err, best = -ENOENT;
	size_t n;

	if (strchr(name, '/'))
		return executable(name);
	if (!*name)
		return -ENOENT;
	if (!dir)
		dir = "/bin:/usr/bin";
	for (;; dir += n + 1) {
		n = strcspn(dir, ":");
		if (snprintf(path, sizeof(path), "%.*s%s%s", (int)n, dir, n ? "/" : "", name) <
		    (int)sizeof(path)) {
			err = executable(path);
			if (!err)
				return 0;
			if (err == -EACCES && !access(path, F_OK)) /* not: a closed directory */
				best = err;
		}
		if (!dir[n])
			return best;
	}
}

static int program_complain(const char *name, int err)
{
	if (err == -ENOENT || err == -ENOTDIR) {
		complain(*name ? name : "''",
			 strchr(name, '/') ? NULL : "It is in no directory of PATH.",
			 "no such program");
		return STATUS_NOT_FOUND;
	}
	complain(name, NULL, "cannot be executed: %s", strerror(-err));
	return STATUS_NOT_EXECUTABLE;
}

/* libvmm_preload.so: $VMM_PRELOAD, beside vmm, or where `make install` puts it. 0, or -ENOENT. */
static int preload_find(char path[PATH_MAX])
{
	static const char *const places[] = { "", "../lib/vmm/" };
	const char *given = getenv("VMM_PRELOAD");
	char self[PATH_MAX], candidate[PATH_MAX + 32];
	ssize_t n;

	if (given)
		return realpath(given, path) ? 0 : -ENOENT;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return -ENOENT;
	self[n] = 0;
	*(strrchr(self, '/') + 1) = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(candidate, sizeof(candidate), "%s%slibvmm_preload.so", self, places[i]);
		if (realpath(candidate, path))
			return 0;
	}
	return -ENOENT;
}

/* What the machine must offer before any work. STATUS_OK, or the status to exit with. */
static int machine_check(const char *command, const struct run_options *options,
			 char preload[PATH_MAX])
{
	char why[256] = "", remedy[512] = "";
	int err;

	if (pager_inside()) {
		complain(command, "Run the outer vmm alone.", "this shell runs under vmm already");
		return STATUS_VMM_FAILED;
	}
	if (preload_find(preload)) {
		complain("libvmm_preload.so",
			 "Build it with `make`, or set VMM_PRELOAD to its path.",
			 "not found beside vmm");
		return STATUS_VMM_FAILED;
	}
	err = pager_store_probe(options->config.store, why, sizeof(why));
	if (err) {
		complain(
			"--store",
			"Give a directory that is writable, a path that is free, or an unused block device.",
			"%s: %s", options->config.store, why);
		return STATUS_VMM_FAILED;
	}
	err = pager_probe(why, sizeof(why), remedy, sizeof(remedy));
	if (err) {
		complain(command, remedy[0] ? remedy : "`vmm doctor` says what this machine lacks.",
			 "%s", why[0] ? why : strerror(-err));
		return STATUS_VMM_FAILED;
	}
	return STATUS_OK;
}

static void reports_write(const struct run_options *options, const struct run_result *result)
{
	struct report report = { &options->config, result, options->policy, options->values,
				 options->class };
	int err;

	if (!options->quiet)
		report_text(&report);
	if (!options->json)
		return;
	err = report_json(&report, options->json);
	if (err)
		complain(options->json, NULL, "the report could not be written: %s",
			 strerror(-err));
}

/* Runs and reports. */
static int run(const char *command, const struct run_options *options, struct run_result *result)
{
	const char *program = options->config.argv[0];
	int err = pager_run(&options->config, result);

	if (err && result->record.error) {
		complain(options->config.record, NULL, "the trace cannot be written: %s",
			 strerror(-err));
		return STATUS_VMM_FAILED;
	}
	if (!err && abs(result->exec_errno) == ENOENT && !program_find(program)) {
		complain(program,
			 "See its first line (#!), or `file` for the loader that it wants.",
			 "it is there, but the program that should run it is not");
		return STATUS_NOT_FOUND;
	}
	if (!err && result->exec_errno)
		return program_complain(program, -abs(result->exec_errno));
	if (err || result->vmm_errno) {
		complain(command,
			 result->fatal[0] ? NULL : "`vmm doctor` says what this machine lacks.",
			 "%s",
			 result->fatal[0] ? result->fatal
					  : strerror(err ? -err : abs(result->vmm_errno)));
		if (!err)
			reports_write(options, result);
		return STATUS_VMM_FAILED;
	}
	if (result->fatal[0])
		complain(command, NULL, "%s", result->fatal);
	if (result->record.error)
		complain(options->config.record,
			 "The program went on; the trace can be read up to where it ends.",
			 "the trace ends early: %s", strerror(-result->record.error));
	reports_write(options, result);
	return result->signal ? STATUS_SIGNAL + result->signal : result->exit_code;
}

int run_program_check(const char *command, char **argv, struct run_options *options)
{
	static char preload[PATH_MAX];
	int status, err;

	if (!argv[0]) {
		char todo[80];

		snprintf(todo, sizeof(todo), "vmm %s [options] -- PROGRAM [ARG...]", command);
		complain(command, todo, "no program was given");
		return STATUS_USAGE;
	}
	if (run_options_check(options))
		return STATUS_USAGE;
	err = program_find(argv[0]);
	if (err)
		return program_complain(argv[0], err);
	status = machine_check(command, options, preload);
	if (status)
		return status;
	options->config.argv = argv;
	options->config.preload = preload;
	err = options->json ? report_json_probe(options->json) : 0;
	if (!err)
		return STATUS_OK;
	complain(options->json, NULL, "the report cannot be written: %s", strerror(-err));
	return STATUS_VMM_FAILED;
}

int run_program(const char *command, const struct run_options *options)
{
	struct run_result *result = calloc(1, sizeof(*result));
	int status;

	if (!result) {
		complain(command, NULL, "out of memory");
		return STATUS_VMM_FAILED;
	}
	status = run(command, options, result);
	free(result);
	return status;
}
