/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - the pager's end of monitor.h. */
#include "pager/monitor.h"
#include "pager/pager.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 16

void monitor_accept(struct pager *p)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	int fd = accept4(p->monitor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 ||
	    (peer.uid && peer.uid != geteuid()) || p->monitor_clients == CLIENTS_MAX ||
	    loop_watch(p, fd, watch_key(WATCH_CLIENT, (uint32_t)fd)) < 0) {
		close(fd);
		return;
	}
	p->monitor_clients++;
}

/* What all processes together have counted so far. */
static void stats_now(struct pager *p, struct vm_stats *sum)
{
	struct process *pr, *next;
	struct space *s;

	*sum = p->result->stats;
	HASH_ITER(hh, p->processes, pr, next)
	vm_stats_add(sum, &pr->stats);
	for (s = p->spaces; s; s = s->next)
		vm_stats_add(sum, core_stats(s->core));
}

static json_t *counters_json(const struct vm_stats *stats)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < vm_stat_count; i++)
		if (vm_stat_get(stats, &vm_stat_list[i]))
			json_object_set_new(
				o, vm_stat_list[i].name,
				json_integer((json_int_t)vm_stat_get(stats, &vm_stat_list[i])));
	return o;
}

static json_t *process_json(const struct process *pr)
{
	const struct space *s = pr->space;
	json_t *o = json_object();
	size_t n = strnlen(pr->comm, sizeof(pr->comm));

	json_object_set_new(o, "pid", json_integer(pr->pid));
	json_object_set_new(o, "comm", json_stringn(pr->comm, n));
	json_object_set_new(o, "paged", json_boolean(s != NULL));
	if (!s)
		return o;
	json_object_set_new(o, "frames_used", json_integer(core_frames(s->core)->used));
	json_object_set_new(o, "idle", json_integer(s->idle_pages));
	json_object_set_new(o, "counters", counters_json(core_stats(s->core)));
	return o;
}

static json_t *status(struct pager *p)
{
	const struct run_result *r = p->result;
	json_t *o = json_object(), *command = json_array(), *processes = json_array(), *l;
	struct process *pr, *next;
	struct vm_stats sum;
	char **arg;

	for (arg = p->config->argv; *arg; arg++)
		json_array_append_new(command, json_string(*arg));
	HASH_ITER(hh, p->processes, pr, next)
	json_array_append_new(processes, process_json(pr));
	stats_now(p, &sum);
	json_object_set_new(o, "schema", json_integer(1));
	json_object_set_new(o, "command", command);
	json_object_set_new(o, "policy", json_string(p->config->policy));
	if (p->config->frames)
		json_object_set_new(o, "frames", json_integer(p->frames));
	json_object_set_new(o, "exact", json_boolean(p->config->exact));
	json_object_set_new(o, "elapsed_s", json_real((double)(now_ns() - p->start_ns) / 1e9));
	json_object_set_new(o, "counters", counters_json(&sum));
	if (r->latency_count) {
		l = json_object();
		json_object_set_new(
			l, "mean",
			json_integer((json_int_t)(r->latency_sum_ns / r->latency_count)));
		json_object_set_new(l, "p50",
				    json_integer((json_int_t)hist_percentile(r->latency_hist, 50)));
		json_object_set_new(l, "p99",
				    json_integer((json_int_t)hist_percentile(r->latency_hist, 99)));
		json_object_set_new(l, "max", json_integer((json_int_t)r->latency_max_ns));
		json_object_set_new(o, "latency_ns", l);
	}
	json_object_set_new(o, "processes", processes);
	return o;
}

void mark(struct pager *p, const char *name)
{
	struct run_result *r = p->result;
	struct run_mark *m;

	if (r->marks == RUN_MARKS_MAX) {
		if (!r->marks_lost++)
			msg(p, "more than %d marks: the later ones are left out", RUN_MARKS_MAX);
		return;
	}
	m = &r->mark[r->marks++];
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->elapsed_s = (double)(now_ns() - p->start_ns) / 1e9;
	stats_now(p, &m->stats);
}

static json_t *error_json(const char *why)
{
	json_t *o = json_object();

	json_object_set_new(o, "error", json_string(why));
	return o;
}

static json_t *fault_in(struct pager *p, const char *word)
{
	char *end;
	pid_t pid = (pid_t)strtol(word, &end, 10);
	struct process *pr;
	uint64_t pages;
	json_t *o;

	HASH_FIND_INT(p->processes, &pid, pr);
	if (end == word || *end || !pr)
		return error_json("no such process in this run");
	if (!pr->space)
		return error_json("the process is not paged");
	if (p->depth > 1 || pr->space->serving || pr->space->forking || pr->space->agent.busy)
		return error_json("busy, try again");
	pages = space_whole(pr->space);
	msg(p,
	    "process %d (%.*s) was loaded whole by vmm fault-in, and is not paged from then on: it may use more frames than the limit",
	    pid, (int)sizeof(pr->comm), pr->comm);
	o = json_object();
	json_object_set_new(o, "pages", json_integer((json_int_t)pages));
	return o;
}

static json_t *answer(struct pager *p, const char *request)
{
	if (!strcmp(request, "status"))
		return status(p);
	if (!strncmp(request, "fault-in ", 9))
		return fault_in(p, request + 9);
	if (!strncmp(request, "mark ", 5) && request[5]) {
		mark(p, request + 5);
		return json_object();
	}
	return error_json("no such request");
}

void monitor_request(struct pager *p, int fd)
{
	char request[MONITOR_REQUEST];
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
	char *text = NULL, *end;
	json_t *o;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		request[n] = 0;
		end = strchr(request, '\n');
		if (end)
			*end = 0;
		o = end ? answer(p, request) : error_json("a request is one line");
		text = json_dumps(o, JSON_COMPACT);
		json_decref(o);
	}
	if (text)
		send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	free(text);
	loop_forget(p, fd);
	close(fd);
	p->monitor_clients--;
}
