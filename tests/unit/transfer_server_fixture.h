/* transfer_server_fixture.h: a server on loopback that does one thing with each connection. */
#pragma once
#include <stddef.h>

enum server_manner { ANSWERS, SILENT, READS_AND_CLOSES, HALF_AN_ANSWER, HUGE_ANSWER, LARGE_ANSWER, LARGE_TOGETHER, ENDLESS_HEAD, ENDLESS_CHUNKS };

struct event_base;
struct transfer_server {
    enum server_manner manner;
    const char *answer; /* of ANSWERS: sent for each request */
    size_t large;       /* bytes of LARGE_ANSWER; HUGE_ANSWER has one more */
    int listener, port;
    unsigned connections;
    unsigned together;  /* LARGE_TOGETHER: so many connections send a half before any goes on, within half a second */
    struct event *accepting;
};
extern struct transfer_server transfer_server;

void transfer_server_open(struct event_base *base, size_t large);
void transfer_server_close(void);
void transfer_server_send(int fd, const char *data, size_t len);
