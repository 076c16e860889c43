/*
 * digest.c: SHA-256, HMAC, randomness and base64.
 *
 * Contexts are made once and used again: fetching an algorithm costs more than hashing one of our ids.
 */
#include "digest.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "log.h"
#include "mem.h"

static void must(int result, const char *what)
{
    if (result != 1)
        fatal("libcrypto cannot do %s", what);
}

static EVP_MD_CTX *sha256_start(void)
{
    static EVP_MD_CTX *context;
    if (context == NULL) {
        context = EVP_MD_CTX_new();
        must(context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL), "SHA-256");
    } else {
        must(EVP_DigestInit_ex(context, NULL, NULL), "SHA-256");
    }
    return context;
}

static void sha256_end(EVP_MD_CTX *context, uint8_t out[32])
{
    unsigned len = 0;
    must(EVP_DigestFinal_ex(context, out, &len), "SHA-256");
}

void digest_sha256(const void *data, size_t len, uint8_t out[32])
{
    EVP_MD_CTX *context = sha256_start();
    must(EVP_DigestUpdate(context, data, len), "SHA-256");
    sha256_end(context, out);
}

void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32])
{
    unsigned out_len = 0;
    if (key_len > INT_MAX)
        bug("a key of %zu bytes", key_len);
    must(HMAC(EVP_sha256(), key_len > 0 ? key : "", (int)key_len, data, len, out, &out_len) != NULL,
         "HMAC-SHA-256");
}

bool digest_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void digest_random(void *out, size_t len)
{
    if (len > INT_MAX)
        bug("%zu random bytes were asked for", len);
    must(RAND_bytes(out, (int)len), "random bytes");
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void digest_base64(struct buf *out, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    buf_reserve(out, len / 3 * 4 + 4);
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (have > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (have > 2)
            group |= bytes[i + 2];
        char four[4];
        for (size_t k = 0; k < 4; k++)
            four[k] = k <= have ? base64_digits[group >> (18 - 6 * k) & 63] : '=';
        buf_add(out, four, 4);
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, the last `padding` of them '='; bits that would be thrown away must be 0: each value has one text. */
static int decode_group(struct buf *out, const char *four, int padding)
{
    uint32_t group = 0;
    for (int k = 0; k < 4; k++) {
        int value = k < 4 - padding ? base64_value(four[k]) : 0;
        if (value < 0)
            return -1;
        group = group << 6 | (uint32_t)value;
    }
    if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0))
        return -1;
    uint8_t bytes[3] = {(uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group};
    buf_add(out, bytes, (size_t)(3 - padding));
    return 0;
}

/* Strict: the standard alphabet, padded, no blanks. On -1 `out` is as it was. */
int digest_base64_decode(struct buf *out, const char *text, size_t len)
{
    size_t before = out->len;
    if (len % 4 != 0)
        return -1;
    buf_reserve(out, len / 4 * 3);
    for (size_t i = 0; i < len; i += 4) {
        int padding = 0;
        if (i + 4 == len && text[i + 3] == '=')
            padding = text[i + 2] == '=' ? 2 : 1;
        if (decode_group(out, text + i, padding) < 0) {
            out->len = before;
            out->data[before] = '\0';
            return -1;
        }
    }
    return 0;
}

void digest_record_id(struct uuid *id, const char *tenant, const char *entity_type, const char *entity_id)
{
    uint8_t hash[32];
    EVP_MD_CTX *context = sha256_start();
    int good = EVP_DigestUpdate(context, tenant, strlen(tenant) + 1) &&
               EVP_DigestUpdate(context, entity_type, strlen(entity_type) + 1) &&
               EVP_DigestUpdate(context, entity_id, strlen(entity_id));
    must(good, "SHA-256");
    sha256_end(context, hash);
    uuid_v8(id, hash);
}
