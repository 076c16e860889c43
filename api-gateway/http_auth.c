/*
 * http_auth.c: who asks, and may they? Every route that is not public passes here before its handler.
 *
 * Verified tokens are remembered by their SHA-256, so that a keep-alive client pays for its signature once. Two generations
 * of limited size: when the young one is full it becomes the old one, and what nobody used since is gone.
 */
#include <strings.h>

#include "clock.h"
#include "digest.h"
#include "http_inside.h"
#include "log.h"

#define GENERATION_MAX 2048

struct token {
    uint8_t digest[32];
    struct identity identity;
};

struct http_token_cache {
    struct map *young, *old; /* owner of the tokens in them */
    struct auth_keys keys;
    char *secret, *public_key, *issuer, *audience;
};

static void generation_free(struct map **map)
{
    struct map_iter iter = {0};
    const void *key;
    size_t len;
    void *token;
    while (map_next(*map, &iter, &key, &len, &token))
        free(token);
    map_free(map);
}

struct http_token_cache *http_tokens_new(void)
{
    struct http_token_cache *tokens = mem_alloc(sizeof *tokens);
    tokens->young = map_new();
    tokens->old = map_new();
    tokens->keys = (struct auth_keys){"", "", "", "", false};
    return tokens;
}

static void keys_release(struct http_token_cache *tokens)
{
    if (tokens->secret != NULL)
        explicit_bzero(tokens->secret, strlen(tokens->secret));
    free(tokens->secret);
    free(tokens->public_key);
    free(tokens->issuer);
    free(tokens->audience);
}

void http_tokens_free(struct http_token_cache **tokens)
{
    generation_free(&(*tokens)->young);
    generation_free(&(*tokens)->old);
    keys_release(*tokens);
    free(*tokens);
    *tokens = NULL;
}

static char *copy_of(const char *text)
{
    return mem_strdup(text != NULL ? text : "");
}

void http_tokens_set_keys(struct http_token_cache *tokens, const struct auth_keys *keys)
{
    generation_free(&tokens->young);
    generation_free(&tokens->old);
    tokens->young = map_new();
    tokens->old = map_new();
    keys_release(tokens);
    tokens->secret = copy_of(keys->secret);
    tokens->public_key = copy_of(keys->public_key);
    tokens->issuer = copy_of(keys->issuer);
    tokens->audience = copy_of(keys->audience);
    tokens->keys = (struct auth_keys){tokens->secret, tokens->public_key, tokens->issuer, tokens->audience,
                                      keys->short_secret_ok};
}

size_t http_tokens_count(const struct http_token_cache *tokens)
{
    return map_count(tokens->young) + map_count(tokens->old);
}

static void remember(struct http_token_cache *tokens, struct token *token)
{
    if (map_count(tokens->young) >= GENERATION_MAX) {
        generation_free(&tokens->old);
        tokens->old = tokens->young;
        tokens->young = map_new();
    }
    free(map_put(tokens->young, token->digest, sizeof token->digest, token));
}

static struct token *recall(struct http_token_cache *tokens, const uint8_t digest[32], int64_t now_ms)
{
    struct map *from = tokens->young;
    struct token *token = map_get(from, digest, 32);
    if (token == NULL) {
        from = tokens->old;
        token = map_get(from, digest, 32);
    }
    if (token == NULL || !digest_equal(token->digest, digest, 32))
        return NULL;
    if (token->identity.expires_ms <= now_ms) { /* auth_check says whether the leeway still covers it */
        map_remove(from, digest, 32);
        free(token);
        return NULL;
    }
    if (from == tokens->old) {
        map_remove(from, digest, 32);
        remember(tokens, token);
    }
    return token;
}

static int check_token(struct http_token_cache *tokens, const char *text, struct identity *identity,
                       const char **why)
{
    uint8_t digest[32];
    int64_t now_ms = clock_db_ms();
    digest_sha256(text, strlen(text), digest);
    const struct token *known = recall(tokens, digest, now_ms);
    if (known != NULL) {
        *identity = known->identity;
        return 0;
    }
    if (auth_check(&tokens->keys, text, now_ms, identity, why) < 0)
        return -1;
    struct token *token = mem_alloc(sizeof *token);
    memcpy(token->digest, digest, sizeof digest);
    token->identity = *identity;
    remember(tokens, token);
    return 0;
}

static void refuse(struct http_request *request, int status, const char *type, const char *why)
{
    snprintf(request->why, sizeof request->why, "%s", why);
    request->verdict = (struct problem){.status = status, .type = type, .detail = request->why};
    if (status == 401)
        http_add_header(request, "WWW-Authenticate",
                        strcmp(type, "token-missing") == 0
                            ? "Bearer realm=\"data-sync\""
                            : "Bearer realm=\"data-sync\", error=\"invalid_token\"");
}

/* The token of "Authorization: Bearer …", or NULL after having refused. */
static const char *bearer(struct http_request *request)
{
    const char *value = http_header(request, "Authorization");
    if (value == NULL) {
        refuse(request, 401, "token-missing", "Send a token: Authorization: Bearer <JWT>.");
        return NULL;
    }
    if (strncasecmp(value, "Bearer ", 7) != 0) {
        refuse(request, 401, "token-scheme", "The Authorization header has to be of the scheme Bearer.");
        return NULL;
    }
    value += 7;
    return value + strspn(value, " ");
}

static void judge_identity(struct http_request *request, enum auth_role least)
{
    const struct identity *identity = &request->identity;
    if (identity->tenant[0] == '\0') {
        refuse(request, 403, "token-without-tenant",
               "The token names no tenant: a claim tenant_id is needed to act for one.");
        return;
    }
    if (identity->role >= least)
        return;
    char why[160];
    snprintf(why, sizeof why, "This needs the role %s; the token's highest role is %s.",
             auth_role_name(least), identity->role == AUTH_NONE ? "none" : auth_role_name(identity->role));
    refuse(request, 403, "role-too-low", why);
}

/* AUTH_REQUIRED=false: a good token that names a tenant still speaks for itself, anything else is the developer. */
static void judge_open(struct http_request *request)
{
    const char *value = http_header(request, "Authorization");
    const char *why;
    if (value != NULL && strncasecmp(value, "Bearer ", 7) == 0 &&
        check_token(request->http->tokens, value + 7 + strspn(value + 7, " "), &request->identity, &why) ==
            0 &&
        request->identity.tenant[0] != '\0') {
        judge_identity(request, request->match.route->role);
        return;
    }
    request->identity = (struct identity){.subject = "anonymous", .role = AUTH_ADMIN};
}

void http_auth(struct http_request *request)
{
    if (request->match.route->role == AUTH_NONE)
        return;
    if (!request->http->config.auth_required) {
        judge_open(request);
        return;
    }
    const char *why = "The token is not valid.";
    const char *token = bearer(request);
    if (token == NULL)
        return;
    if (check_token(request->http->tokens, token, &request->identity, &why) < 0) {
        request->identity = (struct identity){0};
        refuse(request, 401, "token-invalid", why);
        return;
    }
    judge_identity(request, request->match.route->role);
}

const char *http_tenant(const struct http_request *request, const char *named)
{
    const char *own = request->identity.tenant;
    if (named != NULL && named[0] == '\0')
        named = NULL;
    if (own[0] == '\0' || strcmp(own, AUTH_ALL_TENANTS) == 0)
        return named != NULL ? named : AUTH_ALL_TENANTS;
    return named == NULL || strcmp(named, own) == 0 ? own : NULL;
}
