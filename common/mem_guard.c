/*
 * mem_guard.c: memory that is out ends the process with a message, whoever asked for it.
 *
 * Libraries look at NULL each in their own way: libconfig and libcrypto die of it, hiredis sends a command and forgets who waits
 * for the reply, libevent's -1 is looked at by nobody, libjwt calls a good token a bad one. So malloc, calloc and realloc are
 * defined here for the whole process, in front of those that it would have without: the C library's, a preloaded allocator's, a
 * sanitizer's, valgrind's. What would break without: an end by SIGSEGV in the best case, a wrong answer in the worst.
 *
 * The allocator behind must be the one that free, which stays as it is, belongs to: hence the next one in the order of the
 * libraries, not the C library's by name. Where a sanitizer is linked into the program itself (clang's) none comes next, and
 * nothing is defined.
 */
#include <dlfcn.h>
#include <errno.h>

#include "log.h"
#include "mem.h"

#ifdef __has_feature
#define SANITIZER_INSIDE __has_feature(address_sanitizer)
#else
#define SANITIZER_INSIDE 0
#endif

#if !SANITIZER_INSIDE
static void *(*next_malloc)(size_t size);
static void *(*next_calloc)(size_t count, size_t size);
static void *(*next_realloc)(void *old, size_t size);

/* Before main, on the first call: then there is one thread alone. A function's address fits a void * (POSIX, dlsym). */
static void find_next(void)
{
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
}

static void *or_end(void *memory, size_t size)
{
    if (memory == NULL && size > 0)
        fatal_at_once("out of memory: %zu bytes were asked for", size);
    return memory;
}

void *malloc(size_t size)
{
    if (!next_realloc)
        find_next();
    return or_end(next_malloc(size), size);
}

/* More than there can be at all is refused as it is everywhere: who multiplies without looking gets NULL. */
void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (!next_realloc)
        find_next();
    return or_end(next_calloc(count, size), bytes);
}

void *realloc(void *old, size_t size)
{
    if (!next_realloc)
        find_next();
    return or_end(next_realloc(old, size), size);
}
#endif
