/*
 * json_keys.c: see json_keys.h. A duplicate that slips through would let two programs read two different values from one text.
 */
#include "json_keys.h"

#include "hash.h"
#include "mem.h"

#define SMALL 16 /* keys that are searched without an index */

struct json_key {
    uint64_t hash;
    uint32_t offset; /* in source or decoded */
    uint32_t len : 31;
    uint32_t decoded : 1;
};

void json_keys_init(struct json_keys *keys, const char *source)
{
    keys->source = source;
    buf_init(&keys->decoded);
    keys->keys = NULL;
    keys->count = keys->cap = 0;
    keys->depth = 0;
}

void json_keys_release(struct json_keys *keys)
{
    while (keys->depth > 0)
        json_keys_leave(keys);
    buf_release(&keys->decoded);
    free(keys->keys);
    keys->keys = NULL;
}

void json_keys_enter(struct json_keys *keys)
{
    keys->levels[keys->depth++] = (struct json_keys_level){keys->count, 0, NULL, keys->decoded.len};
}

void json_keys_leave(struct json_keys *keys)
{
    struct json_keys_level *level = &keys->levels[--keys->depth];
    keys->count = level->first;
    keys->decoded.len = level->decoded_len;
    free(level->index);
}

static const char *text_of(const struct json_keys *keys, const struct json_key *key)
{
    return (key->decoded ? keys->decoded.data : keys->source) + key->offset;
}

static bool is_same(const struct json_keys *keys, const struct json_key *a, const struct json_key *b)
{
    return a->hash == b->hash && a->len == b->len && memcmp(text_of(keys, a), text_of(keys, b), a->len) == 0;
}

/* A slot holds the upper half of a key's hash and its number plus one: most strangers are told apart without a look at them. */
static uint64_t slot_value(const struct json_key *key, uint32_t number)
{
    return (key->hash >> 32 << 32) | (number + 1);
}

/* The slot that holds this key, or the free one where it goes; `is_new` when it cannot be there. */
static uint64_t *slot_of(const struct json_keys *keys, const struct json_keys_level *level,
                         const struct json_key *key, bool is_new)
{
    uint32_t at = (uint32_t)key->hash & (level->size - 1);
    for (; level->index[at] != 0; at = (at + 1) & (level->size - 1)) {
        if (is_new || level->index[at] >> 32 != key->hash >> 32)
            continue;
        if (is_same(keys, &keys->keys[(uint32_t)level->index[at] - 1], key))
            break;
    }
    return &level->index[at];
}

/* At least twice as many slots as keys. */
static void grow_index(const struct json_keys *keys, struct json_keys_level *level)
{
    free(level->index);
    level->size = level->size == 0 ? SMALL * 4 : level->size * 4;
    level->index = mem_array(level->size, sizeof *level->index);
    for (uint32_t i = level->first; i < keys->count; i++)
        *slot_of(keys, level, &keys->keys[i], true) = slot_value(&keys->keys[i], i);
}

static const struct json_key *push(struct json_keys *keys, const char *text, size_t len, bool decoded)
{
    if (keys->count == keys->cap) {
        keys->cap = keys->cap == 0 ? 64 : keys->cap * 2;
        keys->keys = mem_realloc(keys->keys, keys->cap * sizeof *keys->keys);
    }
    struct json_key *key = &keys->keys[keys->count];
    key->hash = hash_bytes(text, len);
    key->len = (uint32_t)len & INT32_MAX;
    key->decoded = decoded;
    key->offset = (uint32_t)(decoded ? keys->decoded.len : (size_t)(text - keys->source));
    if (decoded)
        buf_add(&keys->decoded, text, len);
    keys->count++;
    return key;
}

bool json_keys_add(struct json_keys *keys, const char *text, size_t len, bool decoded)
{
    struct json_keys_level *level = &keys->levels[keys->depth - 1];
    uint32_t before = keys->count - level->first;
    if (before >= SMALL && (before + 1) * 2 > level->size)
        grow_index(keys, level);
    const struct json_key *key = push(keys, text, len, decoded);
    if (level->size > 0) {
        uint64_t *slot = slot_of(keys, level, key, false);
        if (*slot != 0)
            return false;
        *slot = slot_value(key, keys->count - 1);
        return true;
    }
    for (const struct json_key *other = keys->keys + level->first; other < key; other++) {
        if (is_same(keys, other, key))
            return false;
    }
    return true;
}

const char *json_keys_latest(const struct json_keys *keys, unsigned level, size_t *len)
{
    uint32_t end = level + 1 < keys->depth ? keys->levels[level + 1].first : keys->count;
    const struct json_key *key = &keys->keys[end - 1];
    *len = key->len;
    return text_of(keys, key);
}
