/*
 * attack.c: thousands of connections of bad kinds from one process; each is a row that acts when its time has come.
 *
 * What the server ends is opened again a second later, so that the pressure stays. Source addresses are spread over
 * 127.0.0.2 and above: one address has not enough ports.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define TICK_MS 20
#define OPENED_PER_TICK 100
#define AGAIN_MS 1000
#define PER_ADDRESS 10000
#define BODY_AT_ONCE 200000
#define BIG_STEP (128 * 1024) /* every 20 ms: 6 MB a second on each connection */

struct attacker {
    enum attack_kind kind;
    int fd; /* -1: to be opened at next_ms */
    int64_t next_ms;
    size_t sent;
    bool known; /* has been opened once */
};

struct attack {
    const struct target *target;
    struct attack_state *state;
    struct attacker *all;
    unsigned count;
    int epoll;
    char head[ATTACK_KINDS][16384]; /* what each kind says first */
    size_t head_len[ATTACK_KINDS];
};

static char filler[BIG_STEP];

const char *attack_name(enum attack_kind kind)
{
    static const char *const names[ATTACK_KINDS] = {"silent",   "kept",     "slowhead", "fathead",
                                                    "slowbody", "pipeline", "big",      "chunks"};
    return names[kind];
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int target_connect(const struct target *target, unsigned source, bool wait)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK + source)}};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)target->port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- what each kind says ---- */

static void write_heads(struct attack *attack)
{
    const char *token = attack->target->token;
    static const char *const formats[ATTACK_KINDS] = {
        [ATTACK_SILENT] = "",
        [ATTACK_KEPT] = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n",
        [ATTACK_SLOWHEAD] = "GET /livez HTTP/1.1\r\nHost: a\r\n",
        [ATTACK_FATHEAD] = "GET /livez HTTP/1.1\r\nHost: a\r\n",
        [ATTACK_SLOWBODY] = "POST /sync/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                            "Authorization: Bearer %s\r\nContent-Length: 250000\r\n\r\n",
        [ATTACK_PIPELINE] = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n",
        [ATTACK_BIG] = "POST /sync/events/bulk HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                       "Authorization: Bearer %s\r\nContent-Length: 104857600\r\n\r\n",
        [ATTACK_CHUNKS] = "POST /sync/events/bulk HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                          "Authorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\n"};
    for (unsigned kind = 0; kind < ATTACK_KINDS; kind++) {
        char *text = attack->head[kind];
        const char *at = strstr(formats[kind], "%s");
        int before = at != NULL ? (int)(at - formats[kind]) : (int)strlen(formats[kind]);
        int len = snprintf(text, sizeof attack->head[kind], "%.*s%s%s", before, formats[kind],
                           at != NULL ? token : "", at != NULL ? at + 2 : "");
        while (kind == ATTACK_FATHEAD && len < 12000)
            len += snprintf(text + len, 320, "X-Filler: %0250d\r\n", len);
        attack->head_len[kind] = (size_t)len;
    }
}

static ssize_t say(const struct attacker *attacker, const void *data, size_t len)
{
    return send(attacker->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends the head and goes on behind it; true once the head is out. */
static bool say_head(struct attack *attack, struct attacker *attacker)
{
    size_t len = attack->head_len[attacker->kind];
    if (attacker->sent >= len)
        return true;
    ssize_t n = say(attacker, attack->head[attacker->kind] + attacker->sent, len - attacker->sent);
    attacker->sent += n > 0 ? (size_t)n : 0;
    return attacker->sent >= len;
}

static void say_body(struct attack *attack, struct attacker *attacker, size_t at_once)
{
    size_t done = attacker->sent - attack->head_len[attacker->kind];
    size_t len = done < at_once ? at_once - done : 1;
    ssize_t n = say(attacker, filler, len < sizeof filler ? len : sizeof filler);
    attacker->sent += n > 0 ? (size_t)n : 0;
}

static void say_chunk(struct attacker *attacker)
{
    static char chunk[8 + 4096 + 2];
    snprintf(chunk, sizeof chunk, "1000\r\n%4096s\r\n", "");
    for (size_t sent = 0; sent < BIG_STEP; sent += 4096)
        if (say(attacker, chunk, 6 + 4096 + 2) != 6 + 4096 + 2)
            return; /* cut in a chunk at times: that is refused as malformed, and welcome */
}

static void pipeline(struct attack *attack, struct attacker *attacker)
{
    char many[4096];
    size_t len = attack->head_len[ATTACK_PIPELINE], used = 0;
    for (; used + len <= sizeof many; used += len)
        memcpy(many + used, attack->head[ATTACK_PIPELINE], len);
    while (say(attacker, many, used) == (ssize_t)used)
        continue;
}

/* Says what is due; when it acts again. */
static int64_t act(struct attack *attack, struct attacker *attacker, int64_t now)
{
    if (attacker->kind == ATTACK_PIPELINE) {
        pipeline(attack, attacker);
        return now + 200;
    }
    if (!say_head(attack, attacker))
        return now + 50;
    switch (attacker->kind) {
    case ATTACK_SLOWHEAD:
    case ATTACK_FATHEAD:
        say(attacker, "X-A: b\r\n", 8);
        return now + 1000;
    case ATTACK_SLOWBODY:
        say_body(attack, attacker, BODY_AT_ONCE);
        return now + (attacker->sent < BODY_AT_ONCE ? TICK_MS : 1000);
    case ATTACK_BIG:
        say_body(attack, attacker, 104857600);
        return now + TICK_MS;
    case ATTACK_CHUNKS:
        say_chunk(attacker);
        return now + TICK_MS;
    case ATTACK_SILENT:
    case ATTACK_KEPT:
    case ATTACK_PIPELINE:
    case ATTACK_KINDS:
        break;
    }
    return now + 3600000;
}

/* ---- opening and ending ---- */

static void open_attacker(struct attack *attack, struct attacker *attacker, int64_t now)
{
    unsigned number = (unsigned)(attacker - attack->all);
    struct epoll_event event = {.events = EPOLLRDHUP, .data.u32 = number};
    attacker->fd = target_connect(attack->target, 2 + number / PER_ADDRESS, false);
    attacker->next_ms = now + AGAIN_MS;
    if (attacker->fd < 0)
        return;
    if (attacker->kind == ATTACK_PIPELINE) { /* so that the kernel takes little of what it does not read */
        int small = 4096;
        setsockopt(attacker->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    } else {
        event.events |= EPOLLIN;
    }
    epoll_ctl(attack->epoll, EPOLL_CTL_ADD, attacker->fd, &event);
    attacker->known = true;
    attacker->sent = 0;
    attacker->next_ms = now + (attacker->kind == ATTACK_SILENT ? 3600000 : TICK_MS);
    attack->state->opened[attacker->kind]++;
    attack->state->open[attacker->kind]++;
}

static void end_attacker(struct attack *attack, struct attacker *attacker)
{
    close(attacker->fd);
    attacker->fd = -1;
    attacker->next_ms = now_ms() + AGAIN_MS;
    attack->state->open[attacker->kind]--;
    attack->state->ended[attacker->kind]++;
}

static void hear(struct attack *attack, struct attacker *attacker)
{
    char text[4096];
    ssize_t n = 0;
    if (attacker->fd < 0)
        return;
    while (attacker->kind != ATTACK_PIPELINE && (n = recv(attacker->fd, text, sizeof text, MSG_DONTWAIT)) > 0)
        if (n > 12 && memcmp(text, "HTTP/1.", 7) == 0 && text[9] >= '4')
            attack->state->refused++;
    if (attacker->kind == ATTACK_PIPELINE || n == 0 || (errno != EAGAIN && errno != EINTR))
        end_attacker(attack, attacker);
}

static void hear_all(struct attack *attack, int64_t until)
{
    struct epoll_event events[512];
    for (int64_t left = until - now_ms(); left > 0; left = until - now_ms()) {
        int n = epoll_wait(attack->epoll, events, 512, (int)left);
        for (int i = 0; i < n; i++)
            hear(attack, &attack->all[events[i].data.u32]);
    }
}

static bool tick(struct attack *attack)
{
    int64_t now = now_ms();
    unsigned opened = 0;
    bool all = true;
    for (unsigned i = 0; i < attack->count; i++) {
        struct attacker *attacker = &attack->all[i];
        if (attacker->next_ms <= now) {
            if (attacker->fd >= 0)
                attacker->next_ms = act(attack, attacker, now);
            else if (opened++ < OPENED_PER_TICK)
                open_attacker(attack, attacker, now);
        }
        all = all && attacker->known;
    }
    return all;
}

void attack_run(const struct target *target, const unsigned counts[ATTACK_KINDS], struct attack_state *state)
{
    struct attack *attack = calloc(1, sizeof *attack);
    for (unsigned kind = 0; kind < ATTACK_KINDS; kind++)
        attack->count += counts[kind];
    attack->all = calloc(attack->count + 1, sizeof *attack->all);
    attack->target = target;
    attack->state = state;
    attack->epoll = epoll_create1(EPOLL_CLOEXEC);
    memset(filler, ' ', sizeof filler);
    write_heads(attack);
    unsigned left[ATTACK_KINDS];
    memcpy(left, counts, sizeof left);
    for (unsigned i = 0, kind = 0; i < attack->count; kind = (kind + 1) % ATTACK_KINDS) { /* mixed */
        if (left[kind] == 0)
            continue;
        left[kind]--;
        attack->all[i++] = (struct attacker){.kind = (enum attack_kind)kind, .fd = -1};
    }
    for (;;) {
        int64_t until = now_ms() + TICK_MS;
        if (tick(attack))
            state->all_open = true;
        hear_all(attack, until);
    }
}
