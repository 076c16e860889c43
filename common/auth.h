/*
 * auth.h: tokens: the one strict door to libjwt, which by itself takes an empty key, mixes algorithms and checks no claim.
 *
 * HS256 with the configured secret, RS256 or ES256 with the configured public key: the algorithm is bound to the key before
 * anything is verified, so a token signed HS256 with the public key's text fails. exp is required; nbf, iss and aud are
 * checked when present or configured; at most 8 KiB.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum auth_role { AUTH_NONE, AUTH_VIEWER, AUTH_SERVICE, AUTH_OPERATOR, AUTH_ADMIN }; /* each may what the one before may */
const char *auth_role_name(enum auth_role role);
int auth_role_parse(const char *name, enum auth_role *role);

#define AUTH_TOKEN_MAX 8192 /* bytes */
#define AUTH_TENANT_MAX 128
#define AUTH_ALL_TENANTS "*"

struct identity {
    char subject[256];
    char tenant[AUTH_TENANT_MAX + 1]; /* "" when the token names none; "*" is the operator of the whole service */
    char platform[32];                /* "" unless the token is a platform's own */
    enum auth_role role;              /* the highest of `roles` */
    int64_t expires_ms;
};

struct auth_keys {
    const char *secret;     /* HS256; "" refuses HS256 */
    const char *public_key; /* PEM; "" refuses RS256 and ES256 */
    const char *issuer;     /* "" not checked */
    const char *audience;
    bool short_secret_ok;   /* outside production a secret under 32 bytes is taken */
};

/* 0 and the identity, or -1 and one sentence (safe to show to the client: never the token, never a key). now_ms: database
 * time; 30 s of leeway on exp and nbf. A token without tenant_id or roles is valid: its tenant is "" and role AUTH_NONE. */
int auth_check(const struct auth_keys *keys, const char *token, int64_t now_ms, struct identity *identity, const char **why);
/* Mints an HS256 token {sub, tenant_id, roles:[role], platform?, iat, exp, iss?, aud?}. -1: the secret is unusable. */
int auth_mint(const struct auth_keys *keys, const struct identity *identity, int64_t now_ms, int64_t ttl_ms, struct buf *out);
