/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_socket.c - where the sockets of monitor.h are, for both ends. */
#include "pager/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int monitor_dir(char path[MONITOR_PATH], bool make)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	int n;

	if (runtime && *runtime == '/')
		n = snprintf(path, MONITOR_PATH, "%s/vmm", runtime);
	else
		n = snprintf(path, MONITOR_PATH, "/tmp/vmm-%u", geteuid());
	if (n >= (int)MONITOR_PATH - 12)
		return -ENAMETOOLONG;
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		return -EPERM;
	return 0;
}

static int socket_of(const char *name, bool make, struct sockaddr_un *address)
{
	char dir[MONITOR_PATH];
	int rc = monitor_dir(dir, make);

	if (rc)
		return rc;
	address->sun_family = AF_UNIX;
	if (snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", dir, name) >=
	    (int)sizeof(address->sun_path))
		return -ENAMETOOLONG;
	rc = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return rc < 0 ? -errno : rc;
}

/* Another run that ends may take the directory away at any time. */
static int bind_in(int fd, const struct sockaddr_un *address)
{
	char dir[MONITOR_PATH];
	int tries = 3, rc;

	do
		rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	while (rc < 0 && errno == ENOENT && --tries && monitor_dir(dir, true) == 0);
	return rc;
}

int monitor_listen(char path[MONITOR_PATH])
{
	struct sockaddr_un address;
	char name[12];
	int fd;

	*path = 0;
	snprintf(name, sizeof(name), "%d", getpid());
	fd = socket_of(name, true, &address);
	if (fd < 0)
		return -1;
	unlink(address.sun_path); /* of a run that was killed and had our pid */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || bind_in(fd, &address) < 0) {
		close(fd);
		return -1;
	}
	memcpy(path, address.sun_path, MONITOR_PATH);
	if (chmod(path, 0600) < 0 || listen(fd, 8) < 0) {
		unlink(path);
		*path = 0;
		close(fd);
		return -1;
	}
	return fd;
}

void monitor_remove(const char *path)
{
	char dir[MONITOR_PATH];

	if (!*path)
		return;
	unlink(path);
	if (monitor_dir(dir, false) == 0)
		rmdir(dir); /* if it is empty */
}

int monitor_connect(const char *name)
{
	struct sockaddr_un address;
	int fd = socket_of(name, false, &address), rc;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	rc = -errno;
	if (rc == -ECONNREFUSED)
		unlink(address.sun_path);
	close(fd);
	return rc;
}
