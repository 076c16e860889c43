/* http_client_fixture.c: see http_client_fixture.h. One answer at a time is kept. */
#include "http_client_fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static struct http_answer answer;

int client_try_connect(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_msg(fd >= 0, "no socket left for the test");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

int client_connect(int port)
{
    int fd = client_try_connect(port);
    ck_assert_msg(fd >= 0, "port %d does not accept connections", port);
    return fd;
}

void client_send(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

void client_say(int fd, const char *text)
{
    client_send(fd, text, strlen(text));
}

/* One byte: slow, but what follows stays for the next answer. */
static bool read_byte(int fd, char *c)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, PATIENCE_MS) == 1 && recv(fd, c, 1, 0) == 1;
}

static bool read_head(int fd)
{
    size_t len = 0;
    while (len + 1 < sizeof answer.head && read_byte(fd, &answer.head[len])) {
        answer.head[++len] = '\0';
        if (len >= 4 && memcmp(answer.head + len - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static bool find_header(const struct http_answer *from, const char *name, char *value, size_t size)
{
    size_t name_len = strlen(name);
    for (const char *line = strstr(from->head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
            continue;
        const char *start = line + name_len + 1 + strspn(line + name_len + 1, " ");
        snprintf(value, size, "%.*s", (int)strcspn(start, "\r"), start);
        return true;
    }
    return false;
}

static void read_body(int fd)
{
    char text[32];
    size_t left = find_header(&answer, "Content-Length", text, sizeof text) ? strtoul(text, NULL, 10) : 0;
    while (left > 0) {
        char piece[16384];
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, PATIENCE_MS) != 1)
            break;
        ssize_t n = recv(fd, piece, left < sizeof piece ? left : sizeof piece, 0);
        if (n <= 0)
            break;
        size_t keep = sizeof answer.body - 1 - answer.body_len;
        keep = (size_t)n < keep ? (size_t)n : keep;
        memcpy(answer.body + answer.body_len, piece, keep);
        answer.body_len += keep;
        left -= (size_t)n;
    }
    answer.body[answer.body_len] = '\0';
    if (left > 0)
        answer.status = 0;
}

static const struct http_answer *read_answer(int fd, bool with_body)
{
    do {
        memset(&answer, 0, sizeof answer);
        if (!read_head(fd) || sscanf(answer.head, "HTTP/1.%*1[01] %d", &answer.status) != 1)
            return &answer;
    } while (answer.status == 100);
    if (with_body)
        read_body(fd);
    return &answer;
}

const struct http_answer *client_read(int fd)
{
    return read_answer(fd, true);
}

const struct http_answer *client_read_head_only(int fd)
{
    return read_answer(fd, false);
}

bool client_closed(int fd, int timeout_ms)
{
    char piece[16384];
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        if (poll(&poll_fd, 1, timeout_ms) != 1)
            return false;
        if (recv(fd, piece, sizeof piece, 0) <= 0)
            return true;
    }
}

const struct http_answer *client_ask(int port, const char *request)
{
    int fd = client_connect(port);
    client_say(fd, request);
    bool head = strncmp(request, "HEAD ", 5) == 0;
    const struct http_answer *result = read_answer(fd, !head);
    close(fd);
    return result;
}

bool answer_has(const struct http_answer *from, const char *header, const char *value)
{
    char text[1024];
    return find_header(from, header, text, sizeof text) && (value == NULL || strcmp(text, value) == 0);
}
