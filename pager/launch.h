/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.h - what the three processes of a run share (see run.h).
 *
 *   front --fork--> guardian --fork--> program        the guardian is parent and subreaper of everything that is run
 *                       \--clone(CLONE_FILES)--> pager
 *
 * front <-> guardian: a seqpacket socket with struct note. Guardian <-> pager: single bytes ('r' ready, 'f' fill the result, 'd'
 * done). Because those two share their descriptors, neither sees the other's end of file: they watch each other by pid.
 */
#ifndef PAGER_LAUNCH_H
#define PAGER_LAUNCH_H

#include "pager/monitor.h"
#include "pager/run.h"

#include <linux/filter.h>
#include <signal.h>

enum note_kind {
	NOTE_STARTED, /* value: pid of the program */
	NOTE_STOPPED, /* the program was stopped by a signal */
	NOTE_ENDED,   /* value: wait status; the result is complete */
	NOTE_FAILED,  /* the pager is gone; everything was killed */
	NOTE_BYE,     /* front -> guardian: I am leaving in order */
};

struct note {
	enum note_kind kind;
	int value;
	bool last; /* NOTE_ENDED: no process of the run is left, the guardian ends as well */
};

struct launch {
	const struct run_config *config;
	struct run_result *result;  /* shared memory */
	struct record_ring *record; /* likewise, or NULL */
	struct sock_fprog filter;
	sigset_t mask; /* of the caller: the program gets it back */
	int front;     /* the guardian's end of the socket */
	int monitor;   /* monitor.h; -1: none */
	char monitor_path[MONITOR_PATH];
	bool over; /* of the front: no process of the run is left */
};

void guardian_main(struct launch *l) __attribute__((noreturn));

#endif
