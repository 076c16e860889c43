/* lookup.c: see lookup.h. */
#include "lookup.h"

#include <string.h>

#include "digest.h"

#define EMAIL_BYTES_MAX 254 /* as mapping_check has it */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool lookup_normal_email(struct buf *out, const char *text, size_t len)
{
    while (len > 0 && is_blank(text[0]))
        text++, len--;
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    const char *at = memchr(text, '@', len);
    if (len > EMAIL_BYTES_MAX || !at || at == text || at + 1 == text + len)
        return false;
    for (size_t i = 0; i < len; i++)
        buf_add_ch(out, text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i]);
    return true;
}

/* Whatever `add` makes of the text. */
static int hash_text(const uint8_t key[LOOKUP_KEY_LEN], const char *kind, const char *tenant,
                     bool (*add)(struct buf *out, const char *text, size_t len), const char *text, size_t len,
                     uint8_t hash[LOOKUP_HASH_LEN])
{
    struct buf message = BUF_INIT;
    uint8_t whole[32];

    buf_add(&message, kind, strlen(kind) + 1);
    buf_add(&message, tenant, strlen(tenant) + 1);
    bool good = add(&message, text, len);
    if (good) {
        digest_hmac_sha256(key, LOOKUP_KEY_LEN, message.data, message.len, whole);
        memcpy(hash, whole, LOOKUP_HASH_LEN);
    }
    buf_release(&message);
    return good ? 0 : -1;
}

int lookup_email_hash(const uint8_t key[LOOKUP_KEY_LEN], const char *tenant, const char *email, size_t len,
                      uint8_t hash[LOOKUP_HASH_LEN])
{
    return hash_text(key, "email", tenant, lookup_normal_email, email, len, hash);
}

static bool add_trimmed(struct buf *out, const char *text, size_t len)
{
    while (len > 0 && is_blank(text[0]))
        text++, len--;
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    buf_add(out, text, len);
    return len > 0;
}

int lookup_external_hash(const uint8_t key[LOOKUP_KEY_LEN], const char *tenant, const char *id, size_t len,
                         uint8_t hash[LOOKUP_HASH_LEN])
{
    return hash_text(key, "external_id", tenant, add_trimmed, id, len, hash);
}
