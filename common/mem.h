/*
 * mem.h: memory that does not fail, and arenas.
 *
 * Allocation failure ends the process with a message (fatal): the ceilings on everything that grows keep that from
 * happening, and every other process takes over (I11). Nothing half done is told as done: what is acknowledged was committed
 * before. The libraries' memory ends so as well (mem_guard.c). Free with free().
 */
#pragma once
#include <stddef.h>

#include "banned.h"

void *mem_alloc(size_t size);                        /* zeroed */
void *mem_realloc(void *old, size_t size);           /* as realloc */
void *mem_array(size_t count, size_t size);          /* zeroed, checks the multiplication */
char *mem_strdup(const char *text);                  /* NULL stays NULL */
char *mem_strndup(const char *text, size_t len);     /* always ends in NUL */

/* An arena: everything of one request or one batch, freed at once. Not for objects that outlive it. */
struct arena;
struct arena *arena_new(size_t chunk_size);
void arena_free(struct arena **arena);               /* frees all and sets the pointer to NULL */
void arena_reset(struct arena *arena);               /* keeps one chunk for the next use */
void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
