/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail_alloc.h - for a test in which the Nth allocation fails. It is included once, by a test whose opening comment has
 *
 *   link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 */
#ifndef VMM_TESTS_FAIL_ALLOC_H
#define VMM_TESTS_FAIL_ALLOC_H

#include <stddef.h>
#include <stdint.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static uint64_t fail_at; /* 0: never */
static uint64_t calls;

static int fails(void)
{
	return fail_at && ++calls == fail_at;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

#endif
