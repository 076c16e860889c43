/*
 * calls.c: the C library's calls, of which the n-th fails; see failing.h.
 *
 * What would break: the counting must not itself allocate or send.
 */
#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FD_MAX 1024

/* What the linker makes of dlsym in common/mem_guard.c (failing.mk). */
void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);

static struct failing none;
struct failing *failing = &none;
static bool broken[FD_MAX]; /* sockets that were reset */

/* A program that was started to fail finds its orders in a file, mapped by who gives them as well. */
__attribute__((constructor)) static void take_orders(void)
{
    const char *dir = getenv("FAILING_DIR");
    char path[256];
    if (!dir)
        return;
    snprintf(path, sizeof path, "%s/%s", dir, program_invocation_short_name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *orders = mmap(NULL, sizeof *failing, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (orders != MAP_FAILED)
        failing = orders;
}

bool failing_due(enum failing_kind kind, const char *call)
{
    if (failing->kind != kind || failing->n == 0)
        return false;
    long count = ++failing->count;
    if (count < failing->n || (count > failing->n && !failing->stays))
        return false;
    if (!failing->hit)
        snprintf(failing->where, sizeof failing->where, "%s", call);
    failing->hit = true;
    return true;
}

/* ---- memory ---- */

static bool no_memory(const char *call)
{
    if (failing->n == 0 || !failing_due(FAILING_MEMORY, call))
        return false;
    errno = ENOMEM;
    return true;
}

static void *(*real_malloc)(size_t size);
static void *(*real_calloc)(size_t count, size_t size);
static void *(*real_realloc)(void *old, size_t size);

static void *failing_malloc(size_t size)
{
    return no_memory("malloc") ? NULL : real_malloc(size);
}

static void *failing_calloc(size_t count, size_t size)
{
    return no_memory("calloc") ? NULL : real_calloc(count, size);
}

static void *failing_realloc(void *old, size_t size)
{
    return no_memory("realloc") ? NULL : real_realloc(old, size);
}

static const struct {
    const char *name;
    void *real; /* where to keep the one that is stood before */
    void *failing;
} stand_ins[] = {
    {"malloc", &real_malloc, failing_malloc},
    {"calloc", &real_calloc, failing_calloc},
    {"realloc", &real_realloc, failing_realloc},
};

void *__wrap_dlsym(void *handle, const char *name)
{
    void *found = __real_dlsym(handle, name);
    for (size_t i = 0; i < sizeof stand_ins / sizeof *stand_ins; i++)
        if (strcmp(name, stand_ins[i].name) == 0) {
            memcpy(stand_ins[i].real, &found, sizeof found);
            return stand_ins[i].failing;
        }
    return found;
}

/* ---- sockets ---- */

/* Sockets of the network alone: logs, timers and the loop's own pipes do not fail. */
static bool is_network(int fd)
{
    int domain = 0;
    socklen_t len = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
           (domain == AF_INET || domain == AF_INET6);
}

enum verdict { GOES, SHORT, FAILS, ENDS };

static enum verdict judge(int fd, enum failing_kind kind, const char *call)
{
    if (failing->kind != kind || failing->n == 0 || fd < 0 || !is_network(fd))
        return GOES;
    if (fd < FD_MAX && broken[fd]) {
        errno = ECONNRESET;
        return FAILS;
    }
    if (!failing_due(kind, call))
        return GOES;
    switch (failing->way) {
    case FAILING_RESET: /* whoever waits for the socket hears of it, as of a real one */
        if (fd < FD_MAX)
            broken[fd] = true;
        shutdown(fd, SHUT_RDWR);
        errno = ECONNRESET;
        return FAILS;
    case FAILING_PIPE:
        shutdown(fd, SHUT_RDWR);
        errno = EPIPE;
        return kind == FAILING_RECEIVING ? ENDS : FAILS;
    case FAILING_INTERRUPTED:
        errno = EINTR;
        return FAILS;
    case FAILING_AGAIN:
        errno = EAGAIN;
        return FAILS;
    default:
        return SHORT;
    }
}

int close(int fd)
{
    if (fd >= 0 && fd < FD_MAX)
        broken[fd] = false;
    return (int)syscall(SYS_close, fd);
}

static ssize_t cut(enum verdict verdict, size_t *len)
{
    if (verdict == SHORT && *len > 1)
        *len = 1;
    return verdict == FAILS ? -1 : verdict == ENDS ? 0 : 1;
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    ssize_t result = cut(judge(fd, FAILING_SENDING, "send"), &len);
    return result < 1 ? result : syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}

ssize_t write(int fd, const void *data, size_t len)
{
    ssize_t result = cut(judge(fd, FAILING_SENDING, "write"), &len);
    return result < 1 ? result : syscall(SYS_write, fd, data, len);
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    ssize_t result = cut(judge(fd, FAILING_RECEIVING, "recv"), &len);
    return result < 1 ? result : syscall(SYS_recvfrom, fd, data, len, flags, NULL, NULL);
}

ssize_t read(int fd, void *data, size_t len)
{
    ssize_t result = cut(judge(fd, FAILING_RECEIVING, "read"), &len);
    return result < 1 ? result : syscall(SYS_read, fd, data, len);
}

/* Several pieces at once: what is cut short is a byte of the first. */
ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    enum verdict verdict = judge(fd, FAILING_SENDING, "writev");
    size_t len = count > 0 ? pieces[0].iov_len : 0;
    ssize_t result = cut(verdict, &len);
    if (result < 1)
        return result;
    return verdict == SHORT && count > 0 ? syscall(SYS_write, fd, pieces[0].iov_base, len)
                                         : syscall(SYS_writev, fd, pieces, count);
}

ssize_t readv(int fd, const struct iovec *pieces, int count)
{
    enum verdict verdict = judge(fd, FAILING_RECEIVING, "readv");
    size_t len = count > 0 ? pieces[0].iov_len : 0;
    ssize_t result = cut(verdict, &len);
    if (result < 1)
        return result;
    return verdict == SHORT && count > 0 ? syscall(SYS_read, fd, pieces[0].iov_base, len)
                                         : syscall(SYS_readv, fd, pieces, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t len = SIZE_MAX;
    enum verdict verdict = judge(fd, FAILING_SENDING, "sendmsg");
    ssize_t result = cut(verdict, &len);
    return result < 1 ? result : syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    size_t len = SIZE_MAX;
    enum verdict verdict = judge(fd, FAILING_RECEIVING, "recvmsg");
    ssize_t result = cut(verdict, &len);
    return result < 1 ? result : syscall(SYS_recvmsg, fd, message, flags);
}
