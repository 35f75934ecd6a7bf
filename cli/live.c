/* SPDX-License-Identifier: Apache-2.0 */
/* live.c - see live.h. */
#include "cli/live.h"
#include "cli/cli.h"
#include "pager/monitor.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 5000 /* a pager serves faults first */

int live_each(int (*fn)(void *arg, pid_t run), void *arg)
{
	char path[MONITOR_PATH];
	struct dirent *e;
	int rc = 0;
	DIR *d = monitor_dir(path, false) ? NULL : opendir(path);

	while (d && !rc && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			rc = fn(arg, atoi(e->d_name));
	if (d)
		closedir(d);
	return rc;
}

/* Everything up to the end of the connection. */
static char *receive(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0, capacity = 0;
	char *text = NULL;

	for (;;) {
		ssize_t got;

		if (n + 1 >= capacity) {
			char *more = realloc(text, capacity = capacity ? 2 * capacity : 4096);

			if (!more)
				break;
			text = more;
		}
		if (poll(&p, 1, ANSWER_MS) <= 0) {
			errno = ETIMEDOUT;
			break;
		}
		got = recv(fd, text + n, capacity - n - 1, 0);
		if (got < 0)
			break;
		n += (size_t)got;
		text[n] = 0;
		if (!got)
			return text;
	}
	free(text);
	return NULL;
}

json_t *live_ask(pid_t run, const char *request)
{
	char name[12], line[MONITOR_REQUEST];
	json_t *answer = NULL;
	json_error_t error;
	char *text;
	int fd, n;

	snprintf(name, sizeof(name), "%d", run);
	n = snprintf(line, sizeof(line), "%s\n", request);
	if (n >= (int)sizeof(line)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	fd = monitor_connect(name);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) == n && (text = receive(fd))) {
		answer = json_loads(text, 0, &error);
		if (!answer)
			errno = EPROTO;
		free(text);
	}
	close(fd);
	return answer;
}

struct search {
	pid_t wanted; /* 0: any */
	pid_t found[8];
	int n;
};

static bool has_process(pid_t run, pid_t pid)
{
	json_t *answer = live_ask(run, "status"), *row;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(answer, "processes"), i, row)
		found |= json_integer_value(json_object_get(row, "pid")) == pid;
	json_decref(answer);
	return found;
}

static int look(void *arg, pid_t run)
{
	struct search *s = arg;

	if (s->wanted && s->wanted != run && !has_process(run, s->wanted))
		return 0;
	if (s->n < 8)
		s->found[s->n++] = run;
	return s->wanted != 0;
}

pid_t live_find(const char *command, const char *word)
{
	struct search s = { 0 };
	char *end;

	if (word) {
		s.wanted = (pid_t)strtol(word, &end, 10);
		if (s.wanted <= 0 || *end) {
			complain(command, "Give the number of a process.", "'%s' is no process",
				 word);
			return 0;
		}
	}
	live_each(look, &s);
	if (!s.n && word)
		complain(command, "`vmm top` lists the runs of this user.",
			 "no run of vmm has process %s", word);
	else if (!s.n)
		complain(command, "Start one with `vmm run -- PROGRAM`.",
			 "no run of this user is under way");
	if (s.n < 2)
		return s.n ? s.found[0] : 0;
	complain(command, "Name one of them:", "%d runs are under way", s.n);
	for (int i = 0; i < s.n; i++)
		fprintf(stderr, "    %d\n", s.found[i]);
	return 0;
}
