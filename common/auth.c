/*
 * auth.c: tokens; see auth.h. The one module that talks to libjwt.
 *
 * libjwt is asked a single question: do these bytes carry a signature of this algorithm by this key? Everything around it is
 * ours, because it accepts any token under an empty key, lets the token choose the algorithm, and checks no claim. The header
 * and the claims are read by our strict JSON (no duplicate members), and the signature is checked before any claim is judged.
 */
#include "auth.h"

#include <jwt.h>
#include <strings.h>

#include "auth_claims.h"
#include "digest.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#define SECRET_MIN 32 /* bytes; RFC 7518 §3.2: as long as the hash */
#define DEPTH_MAX 8   /* nesting of header and claims */

static const char *const role_names[] = {"none", "viewer", "service", "operator", "admin"};

const char *auth_role_name(enum auth_role role)
{
    return role_names[role];
}

int auth_role_parse(const char *name, enum auth_role *role)
{
    for (int i = AUTH_VIEWER; i <= AUTH_ADMIN; i++)
        if (strcmp(name, role_names[i]) == 0) {
            *role = (enum auth_role)i;
            return 0;
        }
    return -1;
}

struct part {
    const char *text;
    size_t len;
};

/* Three parts with two dots, each a base64url text (RFC 4648 §5, no padding), none of them empty. */
static int split(const char *token, struct part parts[3], const char **why)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (int i = 0; i < 3; i++) {
        parts[i].text = token;
        parts[i].len = strspn(token, alphabet);
        token += parts[i].len;
        if (i == 2 && parts[i].len == 0 && !*token) {
            *why = "The token is not signed.";
            return -1;
        }
        if (parts[i].len == 0 || parts[i].len % 4 == 1 || *token != (i < 2 ? '.' : '\0')) {
            *why = "The token is not a JWT: three base64url parts with dots between are due.";
            return -1;
        }
        token++;
    }
    return 0;
}

static int decode(const struct part *part, struct buf *out)
{
    struct buf text;
    int result;

    buf_init(&text);
    buf_add(&text, part->text, part->len);
    for (size_t i = 0; i < text.len; i++)
        text.data[i] = text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : text.data[i];
    while (text.len % 4)
        buf_add_ch(&text, '=');
    result = digest_base64_decode(out, text.data, text.len);
    buf_release(&text);
    return result;
}

/* The part as a JSON object, or NULL. The caller frees. */
static struct json *read_object(const struct part *part)
{
    struct json *json = NULL;
    struct json_error error;
    struct buf text;
    bool ok = false;

    buf_init(&text);
    if (!decode(part, &text))
        json = json_parse(text.data, text.len, DEPTH_MAX, &error, &ok);
    buf_release(&text);
    if (json && (!ok || json_type(json) != JSON_OBJECT))
        json_free(json), json = NULL;
    return json;
}

/* What the header may ask for, and the key that goes with it: the key decides, not the token. */
static int choose_key(const struct auth_keys *keys, const struct json *header, jwt_alg_t *alg,
                      const char **key, const char **why)
{
    const char *name = json_get_text(header, "alg"), *type = json_get_text(header, "typ");
    struct json *ignored;

    *key = NULL;
    if (json_find(header, "crit", &ignored)) {
        *why = "The token's header names critical extensions (crit); none is known here.";
        return -1;
    }
    if (json_get(header, "typ") && (!type || strcasecmp(type, "JWT") != 0)) {
        *why = "The token's type (typ) is not JWT."; /* libjwt would refuse it too, without saying why */
        return -1;
    }
    if (name && strcmp(name, "HS256") == 0) {
        *alg = JWT_ALG_HS256;
        *key = keys->secret;
    } else if (name && (strcmp(name, "RS256") == 0 || strcmp(name, "ES256") == 0)) {
        *alg = *name == 'R' ? JWT_ALG_RS256 : JWT_ALG_ES256;
        *key = keys->public_key;
    }
    if (*key && **key)
        return 0;
    *why = "The token's algorithm is not accepted here.";
    return -1;
}

static bool usable_secret(const struct auth_keys *keys)
{
    size_t len = keys->secret ? strlen(keys->secret) : 0;

    return len > 0 && (keys->short_secret_ok || len >= SECRET_MIN);
}

static int verify(const struct auth_keys *keys, const char *token, const struct part *head, const char **why)
{
    struct json *header = read_object(head);
    jwt_alg_t alg = JWT_ALG_NONE;
    const char *key = NULL;
    jwt_t *jwt = NULL;
    int result = -1;

    if (!header)
        *why = "The token's header is not a JSON object.";
    else if (choose_key(keys, header, &alg, &key, why))
        ;
    else if (alg == JWT_ALG_HS256 && !usable_secret(keys))
        *why = "The token's algorithm is not accepted here.";
    else if (jwt_decode(&jwt, token, (const unsigned char *)key, (int)strlen(key)) || jwt_get_alg(jwt) != alg)
        *why = "The token's signature is not valid.";
    else
        result = 0;
    jwt_free(jwt);
    json_free(header);
    return result;
}

int auth_check(const struct auth_keys *keys, const char *token, int64_t now_ms, struct identity *identity,
               const char **why)
{
    struct part parts[3];
    struct json *claims;
    int result;

    memset(identity, 0, sizeof *identity);
    if (strnlen(token, AUTH_TOKEN_MAX + 1) > AUTH_TOKEN_MAX) {
        *why = "The token is longer than 8 KiB.";
        return -1;
    }
    if (split(token, parts, why) || verify(keys, token, &parts[0], why))
        return -1;
    claims = read_object(&parts[1]);
    if (!claims) {
        *why = "The token's claims are not a JSON object.";
        return -1;
    }
    result = auth_claims_read(keys, claims, now_ms, identity, why);
    json_free(claims);
    if (result)
        memset(identity, 0, sizeof *identity);
    return result;
}

int auth_mint(const struct auth_keys *keys, const struct identity *identity, int64_t now_ms, int64_t ttl_ms,
              struct buf *out)
{
    struct buf claims;
    char *token = NULL;
    jwt_t *jwt = NULL;

    if (!usable_secret(keys))
        return -1;
    buf_init(&claims);
    auth_claims_write(keys, identity, now_ms, ttl_ms, &claims);
    if (jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, claims.data) == 0 &&
        jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)keys->secret, (int)strlen(keys->secret)) == 0)
        token = jwt_encode_str(jwt);
    if (token)
        buf_add_str(out, token);
    free(token); /* no allocator of ours is set in libjwt, so it is malloc's */
    jwt_free(jwt);
    buf_release(&claims);
    return token ? 0 : -1;
}
