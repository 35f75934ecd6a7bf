/* SPDX-License-Identifier: Apache-2.0 */
/* edit_distance.h - how far a mistyped word is from a name. */
#ifndef VMM_EDIT_DISTANCE_H
#define VMM_EDIT_DISTANCE_H

#include <stdint.h>

#define EDIT_WORD_MAX 31u

/*
 * Optimal string alignment: letters inserted, removed, changed, or swapped with their neighbour, each not more than once. Case does not
 * count, and words are cut at EDIT_WORD_MAX letters.
 */
uint32_t edit_distance(const char *a, const char *b);

#endif
