/* auth_cache.c: good tokens, remembered until they expire; see auth_cache.h. */
#include "auth_cache.h"

#include "digest.h"
#include "map.h"
#include "mem.h"

#define HASH_LEN 32

struct auth_cache {
    struct map *tokens; /* SHA-256 of a token → struct identity of ours */
    size_t tokens_max;
};

struct auth_cache *auth_cache_new(size_t tokens_max)
{
    struct auth_cache *cache = mem_alloc(sizeof *cache);

    cache->tokens = map_new();
    cache->tokens_max = tokens_max;
    return cache;
}

void auth_cache_clear(struct auth_cache *cache)
{
    struct map_iter iter = {0};
    const void *key;
    void *identity;
    size_t len;

    while (map_next(cache->tokens, &iter, &key, &len, &identity))
        free(identity);
    map_free(&cache->tokens);
    cache->tokens = map_new();
}

void auth_cache_free(struct auth_cache **cache)
{
    if (!*cache)
        return;
    auth_cache_clear(*cache);
    map_free(&(*cache)->tokens);
    free(*cache);
    *cache = NULL;
}

static void remember(struct auth_cache *cache, const uint8_t hash[HASH_LEN], const struct identity *identity)
{
    struct identity *kept = mem_alloc(sizeof *kept);

    *kept = *identity;
    if (map_count(cache->tokens) >= cache->tokens_max)
        auth_cache_clear(cache);
    free(map_put(cache->tokens, hash, HASH_LEN, kept));
}

int auth_cache_check(struct auth_cache *cache, const struct auth_keys *keys, const char *token,
                     int64_t now_ms, struct identity *identity, const char **why)
{
    const struct identity *kept;
    uint8_t hash[HASH_LEN];
    size_t len = strnlen(token, AUTH_TOKEN_MAX + 1);

    digest_sha256(token, len, hash);
    kept = map_get(cache->tokens, hash, HASH_LEN);
    if (kept && now_ms < kept->expires_ms) { /* in its last leeway it is judged each time */
        *identity = *kept;
        return 0;
    }
    if (kept)
        free(map_remove(cache->tokens, hash, HASH_LEN));
    if (auth_check(keys, token, now_ms, identity, why))
        return -1;
    remember(cache, hash, identity);
    return 0;
}
