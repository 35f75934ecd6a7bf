/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - the Makefile compiles this file again when version or commit change. */
#include "cli/cli.h"

const char vmm_version[] = VMM_VERSION;
const char vmm_commit[] = VMM_COMMIT;
