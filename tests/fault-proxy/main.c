/*
 * fault-proxy: forwards TCP connections on loopback, and breaks them when told to.
 *
 *   fault-proxy --control 127.0.0.1:PORT --route NAME=127.0.0.1:PORT:127.0.0.1:PORT ...
 *
 * Each route is NAME=LISTEN:TARGET. Says "listening on 127.0.0.1:PORT" (of control) when all listen; TERM and INT end it. Commands:
 * proxy.h, e.g.   echo redis stall | nc 127.0.0.1 PORT
 */
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "proxy.h"

static int usage(FILE *out)
{
    fputs("usage: fault-proxy --control 127.0.0.1:PORT --route NAME=127.0.0.1:PORT:127.0.0.1:PORT ...\n"
          "\n"
          "Forwards the first address of each route to the second one. Lines to the control port, each "
          "answered by one:\n"
          "\n"
          "  ROUTE cut              resets all connections that there are\n"
          "  ROUTE stall            goes on accepting, forwards nothing\n"
          "  ROUTE hold             stalls the connections that there are, and no others\n"
          "  ROUTE delay UP [DOWN]  ms that each byte waits on its way to the target, and back\n"
          "  ROUTE cut-after N      each connection ends after N more bytes\n"
          "  ROUTE refuse           nobody can connect any more\n"
          "  ROUTE heal             as it was at the beginning\n"
          "  list                   routes, their state and connections as JSON\n"
          "\n"
          "ROUTE: a name, NAME/CONNECTION for one connection, or all.\n",
          out);
    return out == stdout ? 0 : 2;
}

static void on_signal(evutil_socket_t signal_number, short what, void *base)
{
    (void)signal_number, (void)what;
    event_base_loopbreak(base);
}

/* NAME=LISTEN:TARGET */
static void add_route(struct proxy *proxy, const char *text)
{
    char name[64], listen[32], target[32], error[256];

    if (sscanf(text, "%63[^=]=%31[0-9.:]", name, listen) != 2 || strlen(text) > 127)
        fatal("--route takes NAME=127.0.0.1:PORT:127.0.0.1:PORT, not '%s'", text);
    text = strchr(text, '=') + 1;
    const char *middle = strchr(text, ':');
    middle = middle ? strchr(middle + 1, ':') : NULL;
    if (!middle || middle - text >= (int)sizeof listen)
        fatal("--route takes NAME=127.0.0.1:PORT:127.0.0.1:PORT, not '%s'", text);
    snprintf(listen, sizeof listen, "%.*s", (int)(middle - text), text);
    snprintf(target, sizeof target, "%.31s", middle + 1);
    if (proxy_add(proxy, name, listen, target, error, sizeof error) != 0)
        fatal("%s", error);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"control", required_argument, NULL, 'c'},
                                          {"route", required_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct event_base *base = event_base_new();
    struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
    struct proxy *proxy = proxy_new(base);
    const char *control = "127.0.0.1:0";
    char error[256];
    int option, port;

    log_open("fault-proxy", LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'c')
            control = optarg;
        else if (option == 'r')
            add_route(proxy, optarg);
        else
            return usage(option == 'h' ? stdout : stderr);
    }
    if (optind < argc)
        return usage(stderr);
    if ((port = proxy_control(proxy, control, error, sizeof error)) < 0)
        fatal("%s", error);
    signal(SIGPIPE, SIG_IGN);
    event_add(term, NULL);
    event_add(interrupt, NULL);
    printf("listening on 127.0.0.1:%d\n", port);
    fflush(stdout);
    event_base_dispatch(base);
    proxy_free(&proxy);
    event_free(interrupt);
    event_free(term);
    event_base_free(base);
    return 0;
}
