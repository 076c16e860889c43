/*
 * honest.c: the load that has to be served: so many events a second, at fixed times, whatever the answers before took.
 *
 * A few processes take turns; each has a connection that it keeps, and opens another one for every second event. What took
 * long counts from when it was due, so that a stall shows in full.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define CLIENTS 25
#define ANSWER_S 10

struct client {
    const struct target *target;
    struct honest_state *state;
    unsigned number;
    int kept; /* -1: none */
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int open_connection(const struct client *client)
{
    struct timeval limit = {ANSWER_S, 0};
    int one = 1, fd = target_connect(client->target, 1, true);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    return fd;
}

static int make_request(const struct client *client, unsigned serial, bool last, char *text, size_t size)
{
    char body[512];
    int len =
        snprintf(body, sizeof body,
                 "{\"event_type\":\"lead_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
                 "[\"coreldove\"],\"data\":{\"lead_id\":\"honest-%ld-%u-%u\",\"email\":\"a@example.com\","
                 "\"name\":\"A\",\"status\":\"new\"}}",
                 (long)getpid(), client->number, serial);
    return snprintf(text, size,
                    "POST /sync/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    "Authorization: Bearer %s\r\nContent-Length: %d\r\n%s\r\n%s",
                    client->target->token, len, last ? "Connection: close\r\n" : "", body);
}

/* The status of the one answer; 0: there was none. Answers are small and come whole: headers and a body of one object. */
static unsigned read_status(int fd)
{
    char text[8192];
    size_t len = 0;
    while (len < sizeof text - 1) {
        ssize_t got = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
        text[len] = '\0';
        const char *body = strstr(text, "\r\n\r\n");
        if (body != NULL && strrchr(body, '}') != NULL && body[strlen(body) - 1] == '}')
            return (unsigned)strtoul(text + strlen("HTTP/1.1 "), NULL, 10);
    }
    return 0;
}

static unsigned try_once(int fd, const char *text, int len)
{
    if (fd < 0 || send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
        return 0;
    return read_status(fd);
}

/* A kept connection may have been closed while it was idle, which any client answers by a new one. */
static unsigned ask(struct client *client, unsigned serial)
{
    char text[4096];
    bool alone = serial % 2 == 1;
    int len = make_request(client, serial, alone, text, sizeof text);
    int fd = alone ? -1 : client->kept;
    unsigned status = try_once(fd, text, len);
    if (status == 0) {
        if (fd >= 0)
            close(fd);
        fd = open_connection(client);
        status = try_once(fd, text, len);
    }
    if (fd >= 0 && (alone || status == 0)) {
        close(fd);
        fd = -1;
    }
    if (!alone)
        client->kept = fd;
    return status;
}

static void count(struct honest_state *state, unsigned status, int64_t took_us)
{
    if (status == 200) {
        unsigned place = __sync_fetch_and_add(&state->served, 1);
        if (place < HONEST_MAX)
            state->took_us[place] = took_us;
        return;
    }
    if (status != 0)
        state->last_status = status;
    __sync_fetch_and_add(status != 0 ? &state->refused : &state->failed, 1);
}

static void run_client(struct client *client, int64_t start_us, unsigned rate, unsigned total)
{
    for (unsigned serial = 0, place = client->number; place < total; serial++, place += CLIENTS) {
        int64_t due_us = start_us + (int64_t)place * 1000000 / rate, early_us = due_us - now_us();
        if (early_us > 0)
            usleep((useconds_t)early_us);
        unsigned status = ask(client, serial);
        count(client->state, status, now_us() - due_us);
    }
}

void honest_run(const struct target *target, unsigned rate, unsigned seconds, struct honest_state *state)
{
    int64_t start_us = now_us();
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client client = {target, state, i, -1};
        if (fork() == 0) {
            run_client(&client, start_us, rate, rate * seconds);
            _exit(0);
        }
    }
    while (wait(NULL) > 0 || errno == EINTR)
        continue;
}
