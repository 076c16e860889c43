/* control.c: the control port: lines in, a line back for each. A client that never ends its line is let go at LINE_MAX. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy_impl.h"

#define CLIENTS_MAX 16
#define COMMAND_MAX 256

struct client {
    TAILQ_ENTRY(client) link;
    struct control *control;
    int fd;
    struct event *readable;
    char line[COMMAND_MAX];
    size_t len;
};
TAILQ_HEAD(client_list, client);

struct control {
    struct proxy *proxy;
    int fd;
    struct event *acceptable;
    struct client_list clients;
    size_t count;
};

static void client_free(struct client *client)
{
    TAILQ_REMOVE(&client->control->clients, client, link);
    client->control->count--;
    event_free(client->readable);
    close(client->fd);
    free(client);
}

/* Answers are small, and the few clients are tests that read them: written at once, or the client is let go. */
static bool answer_line(struct client *client, const char *line)
{
    struct buf answer = BUF_INIT;
    bool ok;

    proxy_command(client->control->proxy, line, &answer);
    buf_add_ch(&answer, '\n');
    ok = send(client->fd, answer.data, answer.len, MSG_NOSIGNAL) == (ssize_t)answer.len;
    buf_release(&answer);
    return ok;
}

static bool answer_lines(struct client *client)
{
    char *end;

    while ((end = memchr(client->line, '\n', client->len))) {
        size_t used = (size_t)(end - client->line) + 1;

        *end = '\0';
        if (!answer_line(client, client->line))
            return false;
        memmove(client->line, client->line + used, client->len - used);
        client->len -= used;
    }
    return client->len < COMMAND_MAX;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    ssize_t n = recv(fd, client->line + client->len, COMMAND_MAX - client->len, 0);

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        client->len += (size_t)n;
    if (n <= 0 || !answer_lines(client))
        client_free(client);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    struct control *control = arg;
    int socket_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct client *client;

    (void)what;
    if (socket_fd < 0)
        return;
    if (control->count == CLIENTS_MAX) {
        close(socket_fd);
        return;
    }
    client = mem_alloc(sizeof *client);
    client->control = control;
    client->fd = socket_fd;
    client->readable = event_new(control->proxy->base, socket_fd, EV_READ | EV_PERSIST, on_readable, client);
    event_add(client->readable, NULL);
    TAILQ_INSERT_TAIL(&control->clients, client, link);
    control->count++;
}

int proxy_control(struct proxy *proxy, const char *listen, char *error, size_t error_size)
{
    struct sockaddr_in address;
    struct control *control;
    int fd = -1;

    if (proxy_address(&address, listen) != 0)
        snprintf(error, error_size, "--control takes 127.0.0.1:PORT, not '%s'", listen);
    else
        fd = proxy_listen(&address, error, error_size);
    if (fd < 0)
        return -1;
    control = proxy->control = mem_alloc(sizeof *control);
    control->proxy = proxy;
    control->fd = fd;
    TAILQ_INIT(&control->clients);
    control->acceptable = event_new(proxy->base, fd, EV_READ | EV_PERSIST, on_acceptable, control);
    event_add(control->acceptable, NULL);
    return ntohs(address.sin_port);
}

void control_free(struct control **control)
{
    struct client *client;

    if (!*control)
        return;
    while ((client = TAILQ_FIRST(&(*control)->clients)))
        client_free(client);
    event_free((*control)->acceptable);
    close((*control)->fd);
    free(*control);
    *control = NULL;
}
