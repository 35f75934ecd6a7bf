/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.h - CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as in RFC 3720; "123456789" gives 0xE3069283. */
#ifndef VMM_TRACE_CRC32C_H
#define VMM_TRACE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from `crc`; 0 to begin. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* The same without special instructions; for the test. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size);

#endif
