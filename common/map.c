/*
 * map.c: open addressing with linear probing; removed slots are marked, so a walk may remove what it stands on.
 *
 * A slot is empty (key NULL), gone (key == gone_key) or holds a copied key. At most three quarters of the slots are not empty:
 * that is what ends every probe.
 */
#include "map.h"

#include <stdint.h>

#include "hash.h"
#include "log.h"
#include "mem.h"

#define SLOTS_MIN 16

struct slot {
    uint64_t hash;
    char *key;
    size_t len;
    void *value;
};

struct map {
    struct slot *slots;
    size_t size;  /* of slots; a power of two */
    size_t count; /* held */
    size_t used;  /* held and gone */
};

static char gone_key[1];

static bool is_held(const struct slot *slot)
{
    return slot->key != NULL && slot->key != gone_key;
}

struct map *map_new(void)
{
    struct map *map = mem_alloc(sizeof *map);
    map->size = SLOTS_MIN;
    map->slots = mem_array(map->size, sizeof *map->slots);
    return map;
}

void map_free(struct map **map)
{
    if (*map == NULL)
        return;
    for (size_t i = 0; i < (*map)->size; i++) {
        if (is_held(&(*map)->slots[i]))
            free((*map)->slots[i].key);
    }
    free((*map)->slots);
    free(*map);
    *map = NULL;
}

static struct slot *find(const struct map *map, uint64_t hash, const void *key, size_t len)
{
    for (size_t i = hash & (map->size - 1);; i = (i + 1) & (map->size - 1)) {
        struct slot *slot = &map->slots[i];
        if (slot->key == NULL)
            return NULL;
        if (slot->hash == hash && slot->len == len && slot->key != gone_key &&
            (len == 0 || memcmp(slot->key, key, len) == 0))
            return slot;
    }
}

static struct slot *free_slot(struct map *map, uint64_t hash)
{
    size_t i = hash & (map->size - 1);
    while (is_held(&map->slots[i]))
        i = (i + 1) & (map->size - 1);
    return &map->slots[i];
}

/* Makes room for one more, drops the gone ones; gets smaller again when most of it was removed. */
static void rebuild(struct map *map)
{
    struct slot *old = map->slots;
    size_t old_size = map->size;
    map->size = SLOTS_MIN;
    while (map->size < (map->count + 1) * 2)
        map->size *= 2;
    map->slots = mem_array(map->size, sizeof *map->slots);
    map->used = map->count;
    for (size_t i = 0; i < old_size; i++) {
        if (is_held(&old[i]))
            *free_slot(map, old[i].hash) = old[i];
    }
    free(old);
}

void *map_get(const struct map *map, const void *key, size_t len)
{
    struct slot *slot = find(map, hash_bytes(key, len), key, len);
    return slot == NULL ? NULL : slot->value;
}

void *map_put(struct map *map, const void *key, size_t len, void *value)
{
    if (value == NULL)
        bug("map_put was given no value");
    uint64_t hash = hash_bytes(key, len);
    struct slot *slot = find(map, hash, key, len);
    if (slot != NULL) {
        void *replaced = slot->value;
        slot->value = value;
        return replaced;
    }
    if (map->used + 1 > map->size / 4 * 3)
        rebuild(map);
    slot = free_slot(map, hash);
    if (slot->key == NULL)
        map->used++;
    *slot = (struct slot){hash, mem_strndup(key, len), len, value};
    map->count++;
    return NULL;
}

void *map_remove(struct map *map, const void *key, size_t len)
{
    struct slot *slot = find(map, hash_bytes(key, len), key, len);
    if (slot == NULL)
        return NULL;
    void *value = slot->value;
    free(slot->key);
    size_t next = ((size_t)(slot - map->slots) + 1) & (map->size - 1);
    bool ends_here = map->slots[next].key == NULL; /* no probe passes this slot */
    *slot = (struct slot){0, ends_here ? NULL : gone_key, 0, NULL};
    map->used -= ends_here;
    map->count--;
    return value;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

bool map_next(const struct map *map, struct map_iter *iter, const void **key, size_t *len, void **value)
{
    while (iter->next < map->size) {
        const struct slot *slot = &map->slots[iter->next++];
        if (!is_held(slot))
            continue;
        if (key != NULL)
            *key = slot->key;
        if (len != NULL)
            *len = slot->len;
        if (value != NULL)
            *value = slot->value;
        return true;
    }
    return false;
}
