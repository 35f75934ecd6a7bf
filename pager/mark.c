/* SPDX-License-Identifier: Apache-2.0 */
/* mark.c - vmm_mark: for programs that are run under vmm. */
#include "core/vmm.h"
#include "preload/protocol.h"

#include <errno.h>
#include <unistd.h>

int vmm_mark(const char *name)
{
	return syscall(VMM_HYPERCALL_NR, HYPER_MARK, name) ? -errno : 0;
}
