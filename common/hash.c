/*
 * hash.c: SipHash with one compression and three finalization rounds (Aumasson, Bernstein: "SipHash: a fast short-input PRF").
 *
 * Without the seed, a client could choose keys that turn each look-up into a walk over all of them.
 */
#include "hash.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/random.h>

#include "log.h"
#include "mem.h"

struct sip {
    uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotate(s->b, 13) ^ s->a;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a = rotate(s->a, 32);
    s->c += s->b;
    s->a += s->d;
    s->b = rotate(s->b, 17) ^ s->c;
    s->d = rotate(s->d, 21) ^ s->a;
    s->c = rotate(s->c, 32);
}

static inline void absorb(struct sip *s, uint64_t word)
{
    s->d ^= word;
    sip_round(s);
    s->a ^= word;
}

static inline uint64_t load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return le64toh(word);
}

static inline uint64_t load_rest(const uint8_t *bytes, size_t count)
{
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t hash_siphash13(const uint8_t seed[16], const void *data, size_t len)
{
    uint64_t k0 = load(seed), k1 = load(seed + 8);
    struct sip s = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                    k1 ^ 0x7465646279746573};
    const uint8_t *at = data;
    size_t left = len;
    for (; left >= 8; left -= 8, at += 8)
        absorb(&s, load(at));
    absorb(&s, load_rest(at, left) | (uint64_t)len << 56);
    s.c ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t hash_bytes(const void *data, size_t len)
{
    static uint8_t seed[16];
    static bool seeded;
    if (!seeded) {
        while (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
            if (errno != EINTR)
                fatal("the kernel gives no random bytes: %s", strerror(errno));
        }
        seeded = true;
    }
    return hash_siphash13(seed, data, len);
}
