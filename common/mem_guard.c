/*
 * mem_guard.c: memory that is out ends the process with a message, whoever asked for it.
 *
 * Libraries look at NULL each in their own way: libconfig and libcrypto die of it, hiredis sends a command and forgets who waits
 * for the reply, libevent's -1 is looked at by nobody, libjwt calls a good token a bad one. So malloc, calloc and realloc are
 * defined here for the whole process, over the C library's own, which glibc keeps under other names (The GNU C Library, "Replacing
 * malloc"); free stays as it is. What would break without: an end by SIGSEGV in the best case, a wrong answer in the worst.
 */
#include <errno.h>

#include "log.h"
#include "mem.h"

#ifdef __SANITIZE_ADDRESS__ /* its memory comes from the sanitizer */
#define SOURCE(name) __interceptor_##name
#else
#define SOURCE(name) __libc_##name
#endif

void *SOURCE(malloc)(size_t size);
void *SOURCE(calloc)(size_t count, size_t size);
void *SOURCE(realloc)(void *old, size_t size);

static void *or_end(void *memory, size_t size)
{
    if (memory == NULL && size > 0)
        fatal_at_once("out of memory: %zu bytes were asked for", size);
    return memory;
}

void *malloc(size_t size)
{
    return or_end(SOURCE(malloc)(size), size);
}

/* More than there can be at all is refused as it is everywhere: who multiplies without looking gets NULL. */
void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return or_end(SOURCE(calloc)(count, size), bytes);
}

void *realloc(void *old, size_t size)
{
    return or_end(SOURCE(realloc)(old, size), size);
}
