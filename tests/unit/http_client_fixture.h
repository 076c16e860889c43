/* http_client_fixture.h: a client on raw sockets, for tests that must send what no HTTP library would. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct http_answer {
    int status;       /* 0: the connection ended before an answer did */
    char head[4096];  /* status line and headers */
    char body[65536]; /* cut when longer */
    size_t body_len;
};

int client_connect(int port);                           /* to 127.0.0.1; aborts the test when refused */
int client_try_connect(int port);                       /* -1: refused */
void client_send(int fd, const char *data, size_t len); /* all of it, or up to where the peer closed */
void client_say(int fd, const char *text);
/* The next answer on the connection, at most 10 s. no_body: it answers a HEAD. */
const struct http_answer *client_read(int fd);
const struct http_answer *client_read_head_only(int fd);
bool client_closed(int fd, int timeout_ms); /* reads until the peer closes: true when it does in time */
/* One request on a connection of its own. */
const struct http_answer *client_ask(int port, const char *request);
bool answer_has(const struct http_answer *answer, const char *header,
                const char *value); /* value NULL: is it there? */
