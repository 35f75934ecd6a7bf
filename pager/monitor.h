/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.h - the socket at which a run answers: `vmm top`, `vmm fault-in` and `vmm mark` ask there.
 *
 * It is $XDG_RUNTIME_DIR/vmm/PID, or /tmp/vmm-UID/PID where that is not set; PID is that of vmm. The directory belongs to the user and is
 * closed to others, and a peer must have our user's id, or root's. A run that cannot have a socket goes on without.
 *
 *   request   one line of at most MONITOR_REQUEST bytes: "status", "fault-in PID", "mark NAME"
 *   answer    one JSON object, then the end of the connection; {"error": WHY} when it could not be done
 *
 * The pager never waits for a peer: an answer that does not fit into the socket's buffer is cut.
 */
#ifndef PAGER_MONITOR_H
#define PAGER_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MONITOR_REQUEST 256u
#define MONITOR_PATH 108u /* as long as the name of a socket can be */

/* The directory of the user's runs. 0, or -errno: there is none, or it is not ours alone. */
int monitor_dir(char path[MONITOR_PATH], bool make);

/* A listening socket with our pid's name, for the run that is about to start. The descriptor, or -1 with path "". */
int monitor_listen(char path[MONITOR_PATH]);
void monitor_remove(
	const char *path); /* the socket, and the directory when it was the last; "": nothing */

/* A connection to the run with this name in the directory. -ECONNREFUSED: nobody is behind it any more, and it was removed. */
int monitor_connect(const char *name);

struct pager;

void monitor_accept(struct pager *p);
void monitor_request(struct pager *p, int fd); /* a client has something to say, or is gone */

#endif
