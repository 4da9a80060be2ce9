#pragma once
// CRC32C (Castagnoli), the checksum of record batches: the processor's own instruction where it has one, a table where not.
// A pure function: no state but a table that is the same for every caller.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t kastellan_crc32c_table(uint32_t crc, const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static inline uint32_t kastellan_crc32c_sse42(uint32_t crc, const uint8_t *p, size_t n) {
    uint64_t c = crc;
    while (n >= 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        c = __builtin_ia32_crc32di(c, v);
        p += 8;
        n -= 8;
    }
    uint32_t r = (uint32_t)c;
    while (n--) r = __builtin_ia32_crc32qi(r, *p++);
    return r;
}
#endif

/// The checksum of `n` bytes at `p`, continuing from `crc` (0 to begin).
static inline uint32_t kastellan_crc32c(uint32_t crc, const void *p, size_t n) {
    crc = ~crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~kastellan_crc32c_sse42(crc, (const uint8_t *)p, n);
#endif
    return ~kastellan_crc32c_table(crc, (const uint8_t *)p, n);
}
