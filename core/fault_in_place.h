/* SPDX-License-Identifier: Apache-2.0 */
/* fault_in_place.h - the usual fault of the simulator, in one go: one page leaves its frame, and another takes its place. */
#ifndef VMM_FAULT_IN_PLACE_H
#define VMM_FAULT_IN_PLACE_H

#include "core/mmu.h"
#include "core/serve.h"

/* What v->plain is to be, once all else is set up. */
bool plain_setup(const struct vmm *v);

/*
 * Serves the fault, of a plain vmm, that the translated reference is; value is what the page map has for the address.
 * RESULT_FRAME; -ENOMEM; -EAGAIN: it is another kind of fault, and nothing has happened.
 */
int fault_in_place(struct vmm *v, const struct mmu_access *a, uint32_t value, bool write);

#endif
