/* webhook.c: see webhook.h. */
#include "webhook.h"

#include "digest.h"
#include "mem.h"

#define SIGNATURE_BYTES_MAX 8192 /* of the header */
#define HEADER_DEPTH_MAX 4

static int refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return -1;
}

/* ---- Standard Webhooks ---- */

static void key_of(const char *secret, struct buf *key)
{
    if (strncmp(secret, "whsec_", 6) != 0 || digest_base64_decode(key, secret + 6, strlen(secret + 6)) != 0)
        buf_add_str(key, secret);
}

/* Seconds since 1970, digits alone. */
static int check_time(const char *timestamp, int64_t now_ms, const char **why)
{
    size_t len = strlen(timestamp);
    int64_t sent_ms = 0;

    if (len == 0 || len > 12 || strspn(timestamp, "0123456789") != len)
        return refuse(why, "webhook-timestamp must be the seconds since 1970, in digits.");
    for (size_t i = 0; i < len; i++)
        sent_ms = sent_ms * 10 + (timestamp[i] - '0');
    sent_ms *= 1000;
    if (sent_ms < now_ms - WEBHOOK_TOLERANCE_MS)
        return refuse(why, "webhook-timestamp is older than five minutes: sign again for each attempt.");
    if (sent_ms > now_ms + WEBHOOK_TOLERANCE_MS)
        return refuse(why,
                      "webhook-timestamp lies more than five minutes ahead: look at the sender's clock.");
    return 0;
}

static bool is_printable(const char *text, size_t len_max)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    return len > 0 && len <= len_max;
}

/* Is one of the list "v1,… v1,…" this MAC? All of them are looked at, however early one fits. */
static bool holds_mac(const char *list, const uint8_t mac[32])
{
    bool found = false;

    for (unsigned count = 0; *list && count < WEBHOOK_SIGNATURES_MAX; count++) {
        size_t len = strcspn(list, " ");
        struct buf bytes = BUF_INIT;
        if (len > 3 && memcmp(list, "v1,", 3) == 0 && digest_base64_decode(&bytes, list + 3, len - 3) == 0 &&
            bytes.len == 32)
            found |= digest_equal(bytes.data, mac, 32);
        buf_release(&bytes);
        list += len;
        list += strspn(list, " ");
    }
    return found;
}

int webhook_check_standard(const struct webhook *webhook, const char *const *secrets, int64_t now_ms,
                           const char **why)
{
    bool found = false;
    struct buf content = BUF_INIT;

    if (!webhook->id || !webhook->timestamp || !webhook->signature)
        return refuse(why, "A webhook carries the headers webhook-id, webhook-timestamp and "
                           "webhook-signature; one of them is missing.");
    if (!is_printable(webhook->id, WEBHOOK_ID_MAX))
        return refuse(why, "webhook-id must have 1 to 255 printable ASCII characters without blanks.");
    if (strlen(webhook->signature) > SIGNATURE_BYTES_MAX)
        return refuse(why, "webhook-signature is longer than any list of signatures.");
    if (check_time(webhook->timestamp, now_ms, why) < 0)
        return -1;
    buf_addf(&content, "%s.%s.", webhook->id, webhook->timestamp);
    buf_add(&content, webhook->body, webhook->len);
    for (; *secrets; secrets++) {
        uint8_t mac[32];
        struct buf key = BUF_INIT;
        key_of(*secrets, &key);
        digest_hmac_sha256(key.data, key.len, content.data, content.len, mac);
        found |= holds_mac(webhook->signature, mac);
        buf_release(&key);
    }
    buf_release(&content);
    return found ? 0 : refuse(why, "No signature in webhook-signature is that of this body with the secret.");
}

/* ---- HMAC in hex ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode_hex(const char *text, uint8_t out[32])
{
    if (strlen(text) != 64)
        return -1;
    for (size_t i = 0; i < 32; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int webhook_check_hmac(const struct webhook *webhook, const char *const *secrets, const char **why)
{
    uint8_t given[32], mac[32];
    bool found = false;

    if (!webhook->signature)
        return refuse(why, "The header Saleor-Signature is missing.");
    if (decode_hex(webhook->signature, given) < 0)
        return refuse(why, "Saleor-Signature must be 64 hex digits, or a JWS.");
    for (; *secrets; secrets++) {
        digest_hmac_sha256(*secrets, strlen(*secrets), webhook->body, webhook->len, mac);
        found |= digest_equal(given, mac, sizeof mac);
    }
    return found ? 0 : refuse(why, "Saleor-Signature is not that of this body with the secret.");
}

/* ---- JWS ---- */

bool webhook_is_jws(const char *signature)
{
    const char *dots = strstr(signature, "..");

    return dots && dots > signature && dots[2] && strchr(dots + 2, '.') == NULL;
}

/* base64url without padding (RFC 7515 §2) */
static int decode_url(struct buf *out, const char *text, size_t len)
{
    struct buf plain = BUF_INIT;
    int failed = len % 4 == 1;

    for (size_t i = 0; i < len && !failed; i++) {
        failed = text[i] == '+' || text[i] == '/' || text[i] == '=';
        buf_add_ch(&plain, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    }
    while (!failed && plain.len % 4 != 0)
        buf_add_ch(&plain, '=');
    if (!failed)
        failed = digest_base64_decode(out, plain.data, plain.len) != 0;
    buf_release(&plain);
    return failed ? -1 : 0;
}

static struct json *decode_header(const char *text, size_t len)
{
    bool ok = false;
    struct json_error error;
    struct json *json = NULL;
    struct buf bytes = BUF_INIT;

    if (decode_url(&bytes, text, len) == 0)
        json = json_parse(bytes.data, bytes.len, HEADER_DEPTH_MAX, &error, &ok);
    buf_release(&bytes);
    if (ok && json_type(json) == JSON_OBJECT)
        return json;
    if (ok)
        json_free(json);
    return NULL;
}

/* What a header demands that we cannot do must be refused (RFC 7515 §4.1.11). */
static const char *judge_header(const struct json *header)
{
    const char *alg = json_get_text(header, "alg");
    const struct json *b64 = json_get(header, "b64"), *crit = json_get(header, "crit");

    if (!alg || strcmp(alg, "RS256") != 0)
        return "The signature's alg must be RS256.";
    if (json_type(b64) != JSON_BOOL || json_bool(b64))
        return "The signature must be over the body as it is: its header says \"b64\": false.";
    for (size_t i = 0; i < json_count(crit); i++) {
        const struct json *name = json_type(crit) == JSON_ARRAY ? json_at(crit, i) : NULL;
        if (json_type(name) != JSON_STRING || strcmp(json_text(name, NULL), "b64") != 0)
            return "The signature's header demands in crit what is not known here.";
    }
    return NULL;
}

static bool member_is(const struct json *key, const char *name, const char *wanted)
{
    const char *text = json_get_text(key, name);

    return text && strcmp(text, wanted) == 0;
}

/* n and e of a key that may sign webhooks; false: it is another kind of key. */
static bool key_numbers(const struct json *key, struct buf *n, struct buf *e)
{
    const char *modulus, *exponent;

    if (json_type(key) != JSON_OBJECT || !member_is(key, "kty", "RSA"))
        return false;
    if ((json_get(key, "use") && !member_is(key, "use", "sig")) ||
        (json_get(key, "alg") && !member_is(key, "alg", "RS256")))
        return false;
    modulus = json_get_text(key, "n");
    exponent = json_get_text(key, "e");
    if (!modulus || !exponent || decode_url(n, modulus, strlen(modulus)) < 0 ||
        decode_url(e, exponent, strlen(exponent)) < 0)
        return false;
    return digest_rsa_usable(&(struct digest_rsa_key){n->data, e->data, n->len, e->len});
}

static bool verifies(const struct json *key, const struct buf *content, const struct buf *signature)
{
    struct buf n = BUF_INIT, e = BUF_INIT;
    bool good = key_numbers(key, &n, &e);

    if (good)
        good = digest_rsa_sha256_verify(&(struct digest_rsa_key){n.data, e.data, n.len, e.len}, content->data,
                                        content->len, signature->data, signature->len);
    buf_release(&n);
    buf_release(&e);
    return good;
}

static enum webhook_verdict try_keys(const struct json *keys, const char *kid, const struct buf *content,
                                     const struct buf *signature, const char **why)
{
    const struct json *list = json_get(keys, "keys");
    enum webhook_verdict verdict = WEBHOOK_OTHER_KEY;

    *why = "No key of the shop has the signature's kid.";
    for (size_t i = 0; json_type(list) == JSON_ARRAY && i < json_count(list); i++) {
        const struct json *key = json_at(list, i);
        if (kid && !member_is(key, "kid", kid))
            continue;
        if (verifies(key, content, signature))
            return WEBHOOK_GOOD;
        *why = "The signature is not that of this body with the shop's key.";
        verdict = WEBHOOK_UNFIT;
    }
    return verdict;
}

enum webhook_verdict webhook_check_jws(const struct webhook *webhook, const struct json *keys,
                                       const char **why)
{
    enum webhook_verdict verdict = WEBHOOK_BAD;
    struct buf signature = BUF_INIT, content = BUF_INIT;
    const char *text = webhook->signature, *dots;
    struct json *header = NULL;

    *why = "Saleor-Signature must be 64 hex digits, or a JWS: header..signature.";
    if (!text || strlen(text) > SIGNATURE_BYTES_MAX || !webhook_is_jws(text))
        return WEBHOOK_BAD;
    dots = strstr(text, "..");
    header = decode_header(text, (size_t)(dots - text));
    if (header && decode_url(&signature, dots + 2, strlen(dots + 2)) == 0) {
        const char *fault = judge_header(header);
        buf_add(&content, text, (size_t)(dots - text) + 1);
        buf_add(&content, webhook->body, webhook->len);
        if (fault)
            *why = fault;
        else
            verdict = try_keys(keys, json_get_text(header, "kid"), &content, &signature, why);
    }
    json_free(header);
    buf_release(&signature);
    buf_release(&content);
    return verdict;
}

const char *webhook_check_keys(const struct json *keys)
{
    const struct json *list = json_type(keys) == JSON_OBJECT ? json_get(keys, "keys") : NULL;

    for (size_t i = 0; json_type(list) == JSON_ARRAY && i < json_count(list); i++) {
        struct buf n = BUF_INIT, e = BUF_INIT;
        bool good = key_numbers(json_at(list, i), &n, &e);
        buf_release(&n);
        buf_release(&e);
        if (good)
            return NULL;
    }
    return "is no set of keys: {\"keys\": [{\"kty\": \"RSA\", \"n\": …, \"e\": …}]} with at least one RSA "
           "key of 2048 bits";
}
