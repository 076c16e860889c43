/*
 * service_notify.c: tells systemd how the process is: one datagram to the socket named by NOTIFY_SOCKET (sd_notify(3)).
 *
 * Errors are only logged: a manager that does not listen must not stop a service that works.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "mem.h"
#include "service_parts.h"

/* "/path" or "@name" for a name in the abstract space, whose first byte is NUL and whose end is its length. */
static int fill_address(const char *path, struct sockaddr_un *address, socklen_t *len)
{
    size_t path_len = strlen(path);

    if ((*path != '/' && *path != '@') || path_len < 2 || path_len >= sizeof address->sun_path)
        return -1;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, path_len);
    if (*path == '@')
        address->sun_path[0] = '\0';
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len);
    return 0;
}

void service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t len;
    int fd;

    if (!path || !*path)
        return;
    if (fill_address(path, &address, &len)) {
        log_warn("notify", LOG_STR("mistake", "NOTIFY_SOCKET is neither a path nor @name"));
        return;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, len) < 0)
        log_warn("notify", LOG_STR("state", state), LOG_STR("mistake", strerror(errno)));
    if (fd >= 0)
        close(fd);
}

static int64_t whole_number(const char *text)
{
    char *end;
    long long number = text && *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : 0;

    return number > 0 && !*end ? number : 0;
}

int64_t service_notify_watchdog_ms(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    int64_t usec = whole_number(getenv("WATCHDOG_USEC"));

    if (usec == 0 || (pid && *pid && whole_number(pid) != getpid()))
        return 0;
    return usec / 2000 > 0 ? usec / 2000 : 1;
}
