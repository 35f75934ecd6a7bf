/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_spec.c - libFuzzer and AFL++ entry point for specifications; seed corpus: tests/fuzz/corpus/spec. */
#include "tests/fuzz/spec_targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_spec(data, size);
}
