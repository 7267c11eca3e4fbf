#include "nets/seal.h"

#include <string.h>

static const char mark[8] = "sgdlab\n";

/* A step of FNV-1a on words of 8 bytes, then a fold of the high half into the low one. Each step is a bijection of h
 * for a given word, and of the word for a given h: that is why one changed word cannot go unseen. */
uint64_t sl_checksum(const void *bytes, size_t n, uint64_t seed)
{
    const unsigned char *at = bytes;
    uint64_t h = seed ^ 0xcbf29ce484222325u ^ n, word;
    for (size_t left = n; left > 0;) {
        const size_t k = left < sizeof word ? left : sizeof word;
        word = 0;
        memcpy(&word, at, k);
        h = (h ^ word) * 0x100000001b3u;
        h ^= h >> 32;
        at += k;
        left -= k;
    }
    return h;
}

static void put(char *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) to[i] = (char)(value >> 8 * i & 0xff);
}

void sl_seal(char *bytes, size_t n)
{
    memcpy(bytes + n, mark, sizeof mark);
    put(bytes + n + 8, n);
    put(bytes + n + 16, sl_checksum(bytes, n, 0));
}

sl_seal_state sl_seal_check(const char *bytes, size_t size)
{
    if (size < SL_SEAL_SIZE || memcmp(bytes + size - SL_SEAL_SIZE, mark, sizeof mark) != 0) return SL_SEAL_ABSENT;
    const size_t n = size - SL_SEAL_SIZE;
    char expected[SL_SEAL_SIZE - sizeof mark];
    put(expected, n);
    put(expected + 8, sl_checksum(bytes, n, 0));
    return memcmp(bytes + n + sizeof mark, expected, sizeof expected) == 0 ? SL_SEAL_GOOD : SL_SEAL_BROKEN;
}
