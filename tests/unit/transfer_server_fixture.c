/* transfer_server_fixture.c: see transfer_server_fixture.h. */
#include "transfer_server_fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct transfer_server transfer_server;

void transfer_server_send(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        data += sent;
        len -= (size_t)sent;
    }
}

/* Children share it: how many of them have begun. */
static _Atomic unsigned *begun;

/* Not for ever: the others may be kept from sending theirs. */
static void wait_for_all(void)
{
    ++*begun;
    for (int ms = 0; *begun < transfer_server.together && ms < 500; ms++)
        usleep(1000);
}

static void send_zeros(int fd, size_t len, bool together)
{
    static char zeros[65536];
    char head[128];
    int head_len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);

    transfer_server_send(fd, head, (size_t)head_len);
    size_t half = together ? len / 2 : 0;
    for (; len > 0; len -= len < sizeof zeros ? len : sizeof zeros) {
        transfer_server_send(fd, zeros, len < sizeof zeros ? len : sizeof zeros);
        if (half > 0 && len <= half) {
            wait_for_all();
            half = 0;
        }
    }
}

/* 10 MB of header lines, or of small chunks. */
static void send_endless(int fd, const char *begin, const char *piece)
{
    char block[4096];
    size_t len = 0;

    transfer_server_send(fd, begin, strlen(begin));
    while (len + strlen(piece) < sizeof block)
        len += (size_t)snprintf(block + len, sizeof block - len, "%s", piece);
    for (int i = 0; i < 10 * 256; i++)
        transfer_server_send(fd, block, len);
}

/* What a connection gets is sent by a child: the loop under test must not wait for it. */
static void serve(int fd)
{
    char request[4096];
    struct timeval patience = {5, 0};
    ssize_t len;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    do {
        len = recv(fd, request, sizeof request, 0);
        if (len <= 0 || transfer_server.manner == READS_AND_CLOSES)
            return;
        if (transfer_server.manner == ANSWERS)
            transfer_server_send(fd, transfer_server.answer, strlen(transfer_server.answer));
        else if (transfer_server.manner == HALF_AN_ANSWER)
            transfer_server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 44);
        else if (transfer_server.manner == HUGE_ANSWER)
            send_zeros(fd, transfer_server.large + 1, false);
        else if (transfer_server.manner == LARGE_ANSWER)
            send_zeros(fd, transfer_server.large, false);
        else if (transfer_server.manner == LARGE_TOGETHER)
            send_zeros(fd, transfer_server.large, true);
        else if (transfer_server.manner == ENDLESS_HEAD)
            send_endless(fd, "HTTP/1.1 200 OK\r\n",
                         "X-Padding: 0123456789012345678901234567890123456789\r\n");
        else if (transfer_server.manner == ENDLESS_CHUNKS)
            send_endless(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                         "10\r\n0123456789abcdef\r\n");
    } while (transfer_server.manner == ANSWERS || transfer_server.manner == SILENT);
}

static void on_connection(evutil_socket_t listener, short what, void *arg)
{
    int fd = accept(listener, NULL, NULL);

    (void)what;
    (void)arg;
    transfer_server.connections++;
    if (fork() == 0) {
        serve(fd);
        _exit(0);
    }
    close(fd);
}

void transfer_server_open(struct event_base *base, size_t large)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    transfer_server = (struct transfer_server){.large = large};
    begun = mmap(NULL, sizeof *begun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(begun != MAP_FAILED);
    transfer_server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(transfer_server.listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(transfer_server.listener, 16), 0);
    ck_assert_int_eq(getsockname(transfer_server.listener, (struct sockaddr *)&address, &len), 0);
    transfer_server.port = ntohs(address.sin_port);
    transfer_server.accepting =
        event_new(base, transfer_server.listener, EV_READ | EV_PERSIST, on_connection, NULL);
    event_add(transfer_server.accepting, NULL);
}

void transfer_server_close(void)
{
    event_free(transfer_server.accepting);
    munmap((void *)begun, sizeof *begun);
    close(transfer_server.listener);
}
