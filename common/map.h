/* map.h: a hash table from byte-string keys (copied) to pointers (borrowed). Open addressing, seeded SipHash-like hash so
 * that chosen keys cannot pile up. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct map;
struct map *map_new(void);
void map_free(struct map **map);                                            /* the values stay the caller's */
void *map_get(const struct map *map, const void *key, size_t len);          /* NULL when absent */
void *map_put(struct map *map, const void *key, size_t len, void *value);   /* the value it replaces, or NULL; value not NULL */
void *map_remove(struct map *map, const void *key, size_t len);             /* what was there, or NULL */
size_t map_count(const struct map *map);
struct map_iter {
    size_t next;
};
/* Walks in no particular order; removing the current one while walking is safe, putting is not. iter starts as {0}. */
bool map_next(const struct map *map, struct map_iter *iter, const void **key, size_t *len, void **value);
