/* SPDX-License-Identifier: Apache-2.0 */
/* policy_text.h - policies in words. */
#ifndef CLI_POLICY_TEXT_H
#define CLI_POLICY_TEXT_H

#include "core/policy.h"

const char *policy_class_name(enum policy_class class);  /* "R1" */
const char *policy_class_needs(enum policy_class class); /* what it needs live */

/* Complains that there is no such policy and offers the nearest one. `spec` may have parameters. */
void policy_unknown(const char *spec);
/* Complains that a live run cannot know the future. */
void policy_needs_future(const char *name);

#endif
