/*
 * auth_cache.h: remembers tokens that were found good, because a client sends the same one with every request and checking
 * a signature costs more than all the rest of a small request.
 *
 * Only good tokens are kept, by their SHA-256, until they expire: what an attacker sends fills nothing. Clear it whenever the
 * keys may have changed (SIGHUP).
 */
#pragma once
#include <stddef.h>

#include "auth.h"

struct auth_cache;
struct auth_cache *auth_cache_new(size_t tokens_max); /* forgets all of them when there are more */
void auth_cache_free(struct auth_cache **cache);
void auth_cache_clear(struct auth_cache *cache);
/* As auth_check, with the same answers; keys must be those of the calls before, or the cache cleared. */
int auth_cache_check(struct auth_cache *cache, const struct auth_keys *keys, const char *token, int64_t now_ms,
                     struct identity *identity, const char **why);
