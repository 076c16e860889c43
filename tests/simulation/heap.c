/*
 * heap.c: memory of one world. All that is allocated between a mark and its reset is gone with it, whoever asked for it: a process
 * that ends in the middle of everything leaves nothing behind, and addresses are the same in every run. One thread; not under
 * sanitizers, which have their own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "simulation.h"

#ifndef __SANITIZE_ADDRESS__
#define ARENA_MAX ((size_t)4 << 30) /* of address space */
#define CLASSES 24
#define HEADER 16

static char *begin, *end, *marked;
static void *free_lists[CLASSES], *marked_lists[CLASSES];

static unsigned class_of(size_t size)
{
    return size <= 32 ? 0 : 64 - (unsigned)__builtin_clzl((size - 1) >> 5);
}

static size_t size_of(const void *memory)
{
    return *(const size_t *)((const char *)memory - HEADER);
}

static void begin_once(void)
{
    begin = mmap(NULL, ARENA_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED)
        abort();
    end = begin;
}

/* By another name: what looks like malloc and memset would be made a calloc, and call itself. */
static void *take(size_t size)
{
    unsigned class = class_of(size);
    void *memory = class < CLASSES ? free_lists[class] : NULL;

    if (!begin)
        begin_once();
    if (memory) {
        free_lists[class] = *(void **)memory;
        return memory;
    }
    size = class < CLASSES ? (size_t)32 << class : (size + 15) & ~(size_t)15;
    if (end + HEADER + size > begin + ARENA_MAX)
        abort();
    memory = end + HEADER;
    *(size_t *)(void *)end = size;
    end += HEADER + size;
    return memory;
}

void *malloc(size_t size)
{
    return take(size);
}

void free(void *memory)
{
    unsigned class;

    if (!memory)
        return;
    class = class_of(size_of(memory));
    if (class >= CLASSES)
        return;
    *(void **)memory = free_lists[class];
    free_lists[class] = memory;
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    void *memory;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    memory = take(bytes);
    memset(memory, 0, bytes);
    return memory;
}

void *realloc(void *old, size_t size)
{
    void *memory;

    if (!old)
        return take(size);
    if (size <= size_of(old))
        return old;
    memory = take(size);
    memcpy(memory, old, size_of(old));
    free(old);
    return memory;
}

void heap_mark(void)
{
    marked = end;
    memcpy(marked_lists, free_lists, sizeof free_lists);
}

/* Older memory that was freed meanwhile is not given out again: what stands in it is its owner's list no more. */
void heap_reset(void)
{
    end = marked;
    memset(free_lists, 0, sizeof free_lists);
}

#else
void heap_mark(void) {}

void heap_reset(void) {}
#endif
