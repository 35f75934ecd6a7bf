/* SPDX-License-Identifier: Apache-2.0 */
/* chance.h - does a policy depend on the seed? */
#ifndef VMM_REPLAY_CHANCE_H
#define VMM_REPLAY_CHANCE_H

/*
 * 1 when the policy ("random", "nru:reset=5") drew a random number in a short trial of its own (references of a skewed and
 * a looping kind, some of them writes, in few and in many frames); 0 when it did not; -errno as vmm_create.
 */
int policy_draws(const char *policy);

#endif
