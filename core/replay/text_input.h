/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_input.h - reads text traces, one access a line: `<pid> <R|W> <address>`, the address decimal or 0x...; empty lines and
 * what follows # do not count. "-" is stdin, which can be read once only.
 */
#ifndef VMM_REPLAY_TEXT_INPUT_H
#define VMM_REPLAY_TEXT_INPUT_H

#include "core/replay/source.h"

#define TEXT_INPUT_WHY 128 /* bytes for a message */

/* 0, -errno, or -ENOMEM. The source is freed with text_input_close. */
int text_input_open(struct replay_source **source, const char *path, uint32_t page_shift);
void text_input_close(struct replay_source *source);

/* After a read gave -EILSEQ: "line 3, column 5: expected R or W"; "" otherwise. */
const char *text_input_why(const struct replay_source *source);

#endif
