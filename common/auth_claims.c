/*
 * auth_claims.c: what a token says (RFC 7519 §4.1 and ours): who, which tenant, which roles, until when, from whom, for whom.
 *
 * A claim of the wrong type is refused, never guessed: a tenant_id that is a number must not become "no tenant".
 */
#include "auth_claims.h"

#include "json.h"
#include "mem.h"

#define LEEWAY_MS 30000          /* for the clocks of those who mint */
#define SECONDS_MAX 253402300799 /* the end of the year 9999: keeps the milliseconds far from overflow */

static int refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return -1;
}

/* Text that fits `out`, of printable characters. 0 when absent or null too: out is "" then. */
static int read_text(const struct json *claims, const char *name, char *out, size_t size)
{
    struct json *value = json_get(claims, name);
    const char *text;
    size_t len;

    *out = '\0';
    if (!value)
        return 0;
    if (json_type(value) != JSON_STRING)
        return -1;
    text = json_text(value, &len);
    if (len == 0 || len >= size)
        return -1;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return -1;
    memcpy(out, text, len + 1);
    return 0;
}

/* A NumericDate (RFC 7519 §2): seconds, perhaps with a fraction, which is cut. -1: not a number or beyond all dates. */
static int read_seconds(const struct json *value, int64_t *ms)
{
    const char *text, *point;
    char whole[24];
    int64_t seconds;
    size_t len;

    if (json_type(value) != JSON_NUMBER)
        return -1;
    if (json_int64(value, &seconds)) {
        text = json_text(value, &len);
        point = memchr(text, '.', len);
        if (!point || strpbrk(text, "eE") || (size_t)(point - text) >= sizeof whole)
            return -1;
        memcpy(whole, text, (size_t)(point - text));
        whole[point - text] = '\0';
        seconds = strtoll(whole, NULL, 10);
    }
    if (seconds < 0)
        return -1;
    *ms = (seconds > SECONDS_MAX ? SECONDS_MAX : seconds) * 1000;
    return 0;
}

static int read_times(const struct json *claims, int64_t now_ms, struct identity *identity, const char **why)
{
    struct json *nbf = json_get(claims, "nbf"), *exp = json_get(claims, "exp");
    int64_t not_before_ms;

    if (!exp)
        return refuse(why, "The token does not say when it ends (exp).");
    if (read_seconds(exp, &identity->expires_ms))
        return refuse(why, "The token's exp is not a number of seconds since 1970.");
    if (nbf && read_seconds(nbf, &not_before_ms))
        return refuse(why, "The token's nbf is not a number of seconds since 1970.");
    if (now_ms >= identity->expires_ms + LEEWAY_MS)
        return refuse(why, "The token has expired.");
    if (nbf && now_ms < not_before_ms - LEEWAY_MS)
        return refuse(why, "The token is not valid yet (nbf).");
    return 0;
}

static void raise_role(const char *name, struct identity *identity)
{
    enum auth_role role;

    if (auth_role_parse(name, &role) == 0 && role > identity->role)
        identity->role = role;
}

static int read_roles(const struct json *claims, struct identity *identity, const char **why)
{
    static const char *const names[] = {"roles", "role"};

    for (int i = 0; i < 2; i++) {
        struct json *value = json_get(claims, names[i]);

        if (!value)
            continue;
        if (json_type(value) == JSON_STRING) {
            raise_role(json_text(value, NULL), identity);
            continue;
        }
        if (json_type(value) != JSON_ARRAY)
            return refuse(why, "The token's roles are not texts.");
        for (size_t at = 0; at < json_count(value); at++) {
            if (json_type(json_at(value, at)) != JSON_STRING)
                return refuse(why, "The token's roles are not texts.");
            raise_role(json_text(json_at(value, at), NULL), identity);
        }
    }
    return 0;
}

static bool is_text(const struct json *value, const char *text)
{
    return json_type(value) == JSON_STRING && strcmp(json_text(value, NULL), text) == 0;
}

/* aud is a text or an array of texts, one of which must be ours (RFC 7519 §4.1.3). */
static bool names_us(const struct json *aud, const char *audience)
{
    if (json_type(aud) != JSON_ARRAY)
        return is_text(aud, audience);
    for (size_t i = 0; i < json_count(aud); i++)
        if (is_text(json_at(aud, i), audience))
            return true;
    return false;
}

static bool is_set(const char *text)
{
    return text && *text;
}

int auth_claims_read(const struct auth_keys *keys, const struct json *claims, int64_t now_ms,
                     struct identity *identity, const char **why)
{
    if (read_times(claims, now_ms, identity, why))
        return -1;
    if (is_set(keys->issuer) && !is_text(json_get(claims, "iss"), keys->issuer))
        return refuse(why, "The token is from another issuer (iss).");
    if (is_set(keys->audience) && !names_us(json_get(claims, "aud"), keys->audience))
        return refuse(why, "The token is for another audience (aud).");
    if (read_text(claims, "sub", identity->subject, sizeof identity->subject) || !*identity->subject)
        return refuse(why, "The token's sub must be a text of 1 to 255 printable bytes.");
    if (read_text(claims, "tenant_id", identity->tenant, sizeof identity->tenant))
        return refuse(why, "The token's tenant_id must be a text of 1 to 128 printable bytes.");
    if (read_text(claims, "platform", identity->platform, sizeof identity->platform))
        return refuse(why, "The token's platform must be a text of 1 to 31 printable bytes.");
    return read_roles(claims, identity, why);
}

static void set_text(struct json *claims, const char *name, const char *text)
{
    if (is_set(text))
        json_set(claims, name, json_new_text(text));
}

void auth_claims_write(const struct auth_keys *keys, const struct identity *identity, int64_t now_ms,
                       int64_t ttl_ms, struct buf *out)
{
    struct json *claims = json_new_object(), *roles = json_new_array();

    set_text(claims, "sub", identity->subject);
    set_text(claims, "tenant_id", identity->tenant);
    if (identity->role != AUTH_NONE)
        json_append(roles, json_new_text(auth_role_name(identity->role)));
    json_set(claims, "roles", roles);
    set_text(claims, "platform", identity->platform);
    json_set(claims, "iat", json_new_int(now_ms / 1000));
    json_set(claims, "exp", json_new_int((now_ms + ttl_ms) / 1000));
    set_text(claims, "iss", keys->issuer);
    set_text(claims, "aud", keys->audience);
    json_write(out, claims);
    json_free(claims);
}
