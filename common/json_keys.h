/*
 * json_keys.h: the keys of the objects that a JSON scanner is inside of: finds duplicates, remembers the way down.
 *
 * Keys of all open objects lie on one stack, the innermost object's on top. A small object is searched by hash from end to
 * end; a larger one gets an index, so that 100,000 members cost no more each than ten.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"

struct json_key;
struct json_keys_level {
    uint32_t first;     /* of its keys */
    uint32_t size;      /* of index, a power of two; 0 while there is none */
    uint64_t *index;    /* parts of hashes and numbers of keys */
    size_t decoded_len; /* of `decoded` when the object began */
};

struct json_keys {
    const char *source; /* the text being scanned: keys without escapes stay there */
    struct buf decoded; /* the others */
    struct json_key *keys;
    uint32_t count;
    uint32_t cap;
    unsigned depth;
    struct json_keys_level levels[JSON_DEPTH_MAX];
};

void json_keys_init(struct json_keys *keys, const char *source);
void json_keys_release(struct json_keys *keys);
void json_keys_enter(struct json_keys *keys); /* an object begins; at most JSON_DEPTH_MAX at a time */
void json_keys_leave(struct json_keys *keys);
/* Adds a key to the innermost object; false when it is there already (it is added all the same: errors name it). `key` lies
 * in the source, or anywhere when `decoded`: then it is copied. */
bool json_keys_add(struct json_keys *keys, const char *key, size_t len, bool decoded);
/* The latest key of the object at that level (0 is the outermost); it has one. Valid until the next call. */
const char *json_keys_latest(const struct json_keys *keys, unsigned level, size_t *len);
