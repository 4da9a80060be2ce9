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

// The instruction takes three cycles but a new one can begin every cycle, so three streams run side by side. Their results are joined by
// moving the first two over the bytes that follow them: a carry-less product with x^(8n-33) mod P, which the instruction then reduces.
typedef long long kastellan_two_words __attribute__((vector_size(16)));

__attribute__((target("sse4.2,pclmul"))) static inline uint32_t kastellan_crc32c_moved(uint32_t crc, uint32_t power) {
    kastellan_two_words a = {(long long)crc, 0}, b = {(long long)power, 0};
    kastellan_two_words product = __builtin_ia32_pclmulqdq128(a, b, 0);
    return (uint32_t)__builtin_ia32_crc32di(0, (uint64_t)product[0]);
}

__attribute__((target("sse4.2,pclmul"))) static inline uint32_t kastellan_crc32c_three(
    uint32_t crc, const uint8_t *p, size_t stride, uint32_t once, uint32_t twice) {
    uint64_t c0 = crc, c1 = 0, c2 = 0;
    for (size_t i = 0; i < stride; i += 8) {
        uint64_t v0, v1, v2;
        memcpy(&v0, p + i, 8);
        memcpy(&v1, p + stride + i, 8);
        memcpy(&v2, p + 2 * stride + i, 8);
        c0 = __builtin_ia32_crc32di(c0, v0);
        c1 = __builtin_ia32_crc32di(c1, v1);
        c2 = __builtin_ia32_crc32di(c2, v2);
    }
    return kastellan_crc32c_moved((uint32_t)c0, twice) ^ kastellan_crc32c_moved((uint32_t)c1, once) ^ (uint32_t)c2;
}

__attribute__((target("sse4.2,pclmul"))) static inline uint32_t kastellan_crc32c_pclmul(uint32_t crc, const uint8_t *p, size_t n) {
    for (; n >= 3 * 1024; p += 3 * 1024, n -= 3 * 1024) crc = kastellan_crc32c_three(crc, p, 1024, 0x170076fau, 0xa51b6135u);
    for (; n >= 3 * 128; p += 3 * 128, n -= 3 * 128) crc = kastellan_crc32c_three(crc, p, 128, 0x0d3b6092u, 0xb9e02b86u);
    return kastellan_crc32c_sse42(crc, p, n);
}

// Newer processors multiply four pairs of words at once. Four sums of 64 bytes each take in every fourth block of 64: what a sum holds is
// moved over the bytes up to its next block, each 16 bytes of it as two products, by x^(d+31) and x^(d-33) mod P for d bits. The last
// 16 bytes that everything ends up in are then summed by the instruction. More than three times as fast as three streams of it.
typedef long long kastellan_eight_words __attribute__((vector_size(64), aligned(1)));
#define KASTELLAN_WIDE static inline __attribute__((target("sse4.2,avx512f,vpclmulqdq")))

KASTELLAN_WIDE kastellan_eight_words kastellan_crc32c_moved_wide(kastellan_eight_words sum, kastellan_eight_words powers) {
    return __builtin_ia32_pclmulqdq512(sum, powers, 0x00) ^ __builtin_ia32_pclmulqdq512(sum, powers, 0x11);
}

KASTELLAN_WIDE uint32_t kastellan_crc32c_wide(uint32_t crc, const uint8_t *p, size_t n) {
    const kastellan_eight_words *blocks = (const kastellan_eight_words *)p;
    size_t count = n / 64, i = 4;
    const long long a = 0xdcb17aa4, b = 0xb9e02b86, c = 0x740eef02, d = 0x9e4addf8;
    const kastellan_eight_words by2048 = {a, b, a, b, a, b, a, b}, by512 = {c, d, c, d, c, d, c, d};
    const kastellan_eight_words together = {0x1c291d04, 0xddc0152b, 0x3da6d0cb, 0xba4fc28e, 0xf20c0dfe, 0x493c7d27, 0, 0};
    kastellan_eight_words begun = {crc, 0, 0, 0, 0, 0, 0, 0};
    kastellan_eight_words s0 = blocks[0] ^ begun, s1 = blocks[1], s2 = blocks[2], s3 = blocks[3];
    for (; i + 4 <= count; i += 4) {
        s0 = kastellan_crc32c_moved_wide(s0, by2048) ^ blocks[i];
        s1 = kastellan_crc32c_moved_wide(s1, by2048) ^ blocks[i + 1];
        s2 = kastellan_crc32c_moved_wide(s2, by2048) ^ blocks[i + 2];
        s3 = kastellan_crc32c_moved_wide(s3, by2048) ^ blocks[i + 3];
    }
    s1 ^= kastellan_crc32c_moved_wide(s0, by512);
    s2 ^= kastellan_crc32c_moved_wide(s1, by512);
    s3 ^= kastellan_crc32c_moved_wide(s2, by512);
    for (; i < count; i++) s3 = kastellan_crc32c_moved_wide(s3, by512) ^ blocks[i];
    kastellan_eight_words m = kastellan_crc32c_moved_wide(s3, together);
    uint64_t sum = __builtin_ia32_crc32di(0, (uint64_t)(m[0] ^ m[2] ^ m[4] ^ s3[6]));
    sum = __builtin_ia32_crc32di(sum, (uint64_t)(m[1] ^ m[3] ^ m[5] ^ s3[7]));
    return kastellan_crc32c_sse42((uint32_t)sum, p + count * 64, n % 64);
}
#undef KASTELLAN_WIDE

static inline int kastellan_crc32c_has_wide(void) {
    return __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f");
}
#endif

/// The checksum of `n` bytes at `p`, continuing from `crc` (0 to begin).
static inline uint32_t kastellan_crc32c(uint32_t crc, const void *p, size_t n) {
    crc = ~crc;
#if defined(__x86_64__)
    if (n >= 4 * 64 && kastellan_crc32c_has_wide()) return ~kastellan_crc32c_wide(crc, (const uint8_t *)p, n);
    if (n >= 3 * 128 && __builtin_cpu_supports("pclmul")) return ~kastellan_crc32c_pclmul(crc, (const uint8_t *)p, n);
    if (__builtin_cpu_supports("sse4.2")) return ~kastellan_crc32c_sse42(crc, (const uint8_t *)p, n);
#endif
    return ~kastellan_crc32c_table(crc, (const uint8_t *)p, n);
}
