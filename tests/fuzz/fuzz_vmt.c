/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_vmt.c - libFuzzer (and AFL++) entry point; `make fuzz` builds it, tests/fuzz/corpus/vmt is its seed corpus. */
#include "tests/fuzz/targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_vmt(data, size);
}
