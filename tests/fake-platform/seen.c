/* seen.c: open addressing from 64-bit hashes to numbers. Two names with one hash would count as a repetition: with eight
 * million names the chance is one in half a million. */
#include "seen.h"

#include "mem.h"

struct entry {
    uint64_t key; /* 0: free */
    uint32_t number;
};

struct seen {
    struct entry *entries;
    size_t mask, count;
};

struct seen *seen_new(void)
{
    struct seen *seen = mem_alloc(sizeof *seen);

    seen->mask = 1023;
    seen->entries = mem_array(seen->mask + 1, sizeof *seen->entries);
    return seen;
}

void seen_free(struct seen **seen)
{
    if (*seen)
        free((*seen)->entries);
    free(*seen);
    *seen = NULL;
}

/* FNV-1a with a mixing step at the end, so that ids that count upwards spread. */
uint64_t seen_hash(const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
    hash ^= hash >> 29;
    return hash ? hash : 1;
}

static struct entry *find(const struct seen *seen, uint64_t key)
{
    size_t at = key & seen->mask;

    while (seen->entries[at].key && seen->entries[at].key != key)
        at = (at + 1) & seen->mask;
    return &seen->entries[at];
}

static void grow(struct seen *seen)
{
    struct entry *old = seen->entries;
    size_t old_size = seen->mask + 1;

    seen->mask = old_size * 2 - 1;
    seen->entries = mem_array(old_size * 2, sizeof *seen->entries);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].key)
            *find(seen, old[i].key) = old[i];
    free(old);
}

uint32_t *seen_note(struct seen *seen, uint64_t key, bool *fresh)
{
    struct entry *entry = find(seen, key);

    *fresh = entry->key == 0;
    if (*fresh) {
        if (seen->count == SEEN_MAX / 2)
            return NULL;
        if (seen->count * 2 >= seen->mask) {
            grow(seen);
            entry = find(seen, key);
        }
        entry->key = key;
        seen->count++;
    }
    return &entry->number;
}

size_t seen_count(const struct seen *seen)
{
    return seen->count;
}
