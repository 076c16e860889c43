/* http_auth.c: who asks, and may they? Every route that is not public passes here before its handler. */
#include <strings.h>

#include "auth_cache.h"
#include "clock.h"
#include "http_inside.h"
#include "log.h"

#define TOKENS_MAX 4096 /* half a kilobyte each */

struct http_keys {
    struct auth_keys keys;
    char *secret, *public_key, *issuer, *audience;
    struct auth_cache *tokens;
};

struct http_keys *http_keys_new(void)
{
    struct http_keys *keys = mem_alloc(sizeof *keys);
    keys->tokens = auth_cache_new(TOKENS_MAX);
    keys->keys = (struct auth_keys){"", "", "", "", false};
    return keys;
}

static void release(struct http_keys *keys)
{
    if (keys->secret != NULL)
        explicit_bzero(keys->secret, strlen(keys->secret));
    free(keys->secret);
    free(keys->public_key);
    free(keys->issuer);
    free(keys->audience);
}

void http_keys_free(struct http_keys **keys)
{
    auth_cache_free(&(*keys)->tokens);
    release(*keys);
    free(*keys);
    *keys = NULL;
}

static char *copy_of(const char *text)
{
    return mem_strdup(text != NULL ? text : "");
}

void http_keys_set(struct http_keys *keys, const struct auth_keys *given)
{
    struct http_keys old = *keys; /* given may point into it */
    auth_cache_clear(keys->tokens);
    keys->secret = copy_of(given->secret);
    keys->public_key = copy_of(given->public_key);
    keys->issuer = copy_of(given->issuer);
    keys->audience = copy_of(given->audience);
    keys->keys = (struct auth_keys){keys->secret, keys->public_key, keys->issuer, keys->audience,
                                    given->short_secret_ok};
    release(&old);
}

static int check_token(struct http_request *request, const char *text, const char **why)
{
    struct http_keys *keys = request->http->keys;
    return auth_cache_check(keys->tokens, &keys->keys, text, clock_db_ms(), &request->identity, why);
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
             auth_role_name(least), auth_role_name(identity->role));
    refuse(request, 403, "role-too-low", why);
}

/* AUTH_REQUIRED=false: a good token that names a tenant still speaks for itself, anything else is the developer. */
static void judge_open(struct http_request *request)
{
    const char *value = http_header(request, "Authorization");
    const char *why;
    if (value != NULL && strncasecmp(value, "Bearer ", 7) == 0 &&
        check_token(request, value + 7 + strspn(value + 7, " "), &why) == 0 &&
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
    if (check_token(request, token, &why) < 0) {
        request->identity = (struct identity){0};
        refuse(request, 401, "token-invalid", why);
        return;
    }
    judge_identity(request, request->match.route->role);
}

const char *http_tenant(const struct http_request *request, const char *named)
{
    const char *own = request->identity.tenant;
    if (request->identity.role == AUTH_NONE)
        return NULL; /* a public route: nobody was checked */
    if (named != NULL && named[0] == '\0')
        named = NULL;
    if (own[0] == '\0' || strcmp(own, AUTH_ALL_TENANTS) == 0)
        return named != NULL ? named : AUTH_ALL_TENANTS;
    return named == NULL || strcmp(named, own) == 0 ? own : NULL;
}
