#pragma once
#include <zlib.h>
// The init functions are macros that pass the header's version, which Swift cannot import.
static inline int kastellan_deflate_init_gzip(z_stream *s, int level) {
    return deflateInit2(s, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
static inline int kastellan_inflate_init_gzip(z_stream *s) { return inflateInit2(s, 15 + 32); }
