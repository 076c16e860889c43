/* auth_claims.h: the claims of a token whose signature is already known to be good. For auth.c alone. */
#pragma once
#include "auth.h"

struct json;
int auth_claims_read(const struct auth_keys *keys, const struct json *claims, int64_t now_ms,
                     struct identity *identity, const char **why);
void auth_claims_write(const struct auth_keys *keys, const struct identity *identity, int64_t now_ms,
                       int64_t ttl_ms, struct buf *out);
