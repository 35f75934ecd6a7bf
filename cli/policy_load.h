/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_load.h - policies of the user's own, from a file: -a ./mine.c, -a ./mine.so:depth=3 (docs/adding-a-policy.md).
 *
 * A .c file is compiled with the system's compiler, the way the policies of core/policies/ are, with the replay loop
 * around it; the result is kept in a cache, by the hash of what was compiled. A .so file is loaded as it is.
 */
#ifndef CLI_POLICY_LOAD_H
#define CLI_POLICY_LOAD_H

/*
 * When *spec ("FILE:key=value,...") names a file, loads it and puts the name of its policy in the place of FILE: *spec
 * is freed and made anew. A policy whose name is taken is called NAME@FILE. Any other *spec is left alone. Complains itself:
 * 0 or -EINVAL. Before any thread uses policies.
 */
int policy_spec_load(char **spec);

/*
 * For policy_load.c: compiles a .c file. *object is the path of a shared object, to be freed; *temporary: it is to be
 * removed once it is loaded. Complains itself: 0 or -EINVAL.
 */
int policy_compile(const char *source, char **object, int *temporary);

#endif
