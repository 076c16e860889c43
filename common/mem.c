/*
 * mem.c: allocation that never returns NULL, and arenas.
 *
 * Every caller leans on "no NULL": a check that slips here becomes a crash somewhere else.
 */
#include "mem.h"

#include <stdalign.h>
#include <stdint.h>

#include "log.h"

struct chunk {
    struct chunk *next;
    size_t size; /* bytes of data */
    size_t used;
    alignas(max_align_t) char data[];
};

struct arena {
    struct chunk *chunks; /* the first one is being filled */
    size_t chunk_size;
};

static void *or_die(void *memory, size_t size)
{
    if (memory == NULL)
        fatal_at_once("out of memory: %zu bytes were asked for", size);
    return memory;
}

void *mem_alloc(size_t size)
{
    return or_die(calloc(1, size > 0 ? size : 1), size);
}

void *mem_realloc(void *old, size_t size)
{
    return or_die(realloc(old, size > 0 ? size : 1), size);
}

void *mem_array(size_t count, size_t size)
{
    if (count > 0 && size > SIZE_MAX / count)
        fatal_at_once("out of memory: %zu times %zu bytes were asked for", count, size);
    return mem_alloc(count * size);
}

char *mem_strndup(const char *text, size_t len)
{
    char *copy = or_die(malloc(len + 1), len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *mem_strdup(const char *text)
{
    return text == NULL ? NULL : mem_strndup(text, strlen(text));
}

static struct chunk *chunk_new(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct chunk))
        fatal_at_once("out of memory: %zu bytes were asked for", size);
    struct chunk *chunk = or_die(malloc(sizeof *chunk + size), sizeof *chunk + size);
    chunk->next = NULL;
    chunk->size = size;
    chunk->used = 0;
    return chunk;
}

struct arena *arena_new(size_t chunk_size)
{
    struct arena *arena = mem_alloc(sizeof *arena);
    arena->chunk_size = chunk_size > 256 ? chunk_size : 256;
    return arena;
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_free(struct arena **arena)
{
    if (*arena == NULL)
        return;
    free_chunks((*arena)->chunks);
    free(*arena);
    *arena = NULL;
}

void arena_reset(struct arena *arena)
{
    struct chunk *keep = NULL;
    for (struct chunk **at = &arena->chunks; *at != NULL; at = &(*at)->next) {
        if ((*at)->size != arena->chunk_size)
            continue; /* one that was made for a single large object is given back */
        keep = *at;
        *at = keep->next;
        break;
    }
    free_chunks(arena->chunks);
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
    }
    arena->chunks = keep;
}

/* Large objects get a chunk of their own behind the first, so that the first goes on being filled. */
static struct chunk *chunk_for(struct arena *arena, size_t size)
{
    struct chunk *first = arena->chunks;
    if (first != NULL && size <= first->size - first->used)
        return first;
    if (first != NULL && size > arena->chunk_size / 2) {
        struct chunk *own = chunk_new(size);
        own->next = first->next;
        first->next = own;
        return own;
    }
    struct chunk *chunk = chunk_new(size > arena->chunk_size ? size : arena->chunk_size);
    chunk->next = first;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align)
        fatal_at_once("out of memory: %zu bytes were asked for", size);
    size_t rounded = size == 0 ? align : (size + align - 1) / align * align;
    struct chunk *chunk = chunk_for(arena, rounded);
    void *memory = chunk->data + chunk->used;
    chunk->used += rounded;
    return memset(memory, 0, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strndup(arena, text, strlen(text));
}
