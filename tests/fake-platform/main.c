/*
 * fake-platform: a platform for development, tests and measurements. `help` below says how it is used. Whoever starts it waits for
 * "listening on H:P" on standard output; it keeps never more than 256 MB of requests whatever --keep says.
 *
 * Routes: platform.h and sink.h; rules: faults.h. TERM and INT end it.
 */
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>

#include "log.h"
#include "mem.h"
#include "platform.h"
#include "sink.h"

struct options {
    struct platform_options platform;
    const char *listen;
    bool sink;
};

static const char help[] =
    "\n"
    "A platform for development, tests and measurements: takes deliveries, keeps records, fails when told "
    "to.\n"
    "\n"
    "  --name NAME         what it calls itself; its own ids begin with it (default: platform)\n"
    "  --listen HOST:PORT  numeric address; port 0, the default, takes a free one, which it prints when "
    "ready\n"
    "  --keep N            requests kept whole for GET /received (default: 100000)\n"
    "  --records N         records kept; 507 above (default: 200000)\n"
    "  --sink              keeps counters alone, shown by GET /stats; for measurements, without the routes "
    "below\n"
    "  --help              this text\n"
    "\n"
    "FAKE_WEBHOOK_SECRET in the environment: deliveries must carry Standard Webhooks signatures made with "
    "it.\n"
    "\n"
    "GET /received, /records/ENTITY, /records/ENTITY/ID, /control, /health show what it got and how it "
    "stands.\n"
    "POST /control with {\"rules\": [RULE, ...]} replaces the rules by which it fails; DELETE /control ends "
    "them.\n"
    "The first rule that matches a delivery decides. Every member of a RULE may be left out:\n"
    "\n"
    "  match        {entity, operation, id, tenant, path, every}: for these deliveries alone; every 3: each "
    "third\n"
    "  times        how often; without it for ever\n"
    "  status, body, headers, retry_after   of the answer\n"
    "  delay_ms     waits before it answers\n"
    "  action       hang, reset, reset_mid_answer, truncate, close, drip, huge, endless, gzip, html, "
    "redirect or empty; of bulks\n"
    "               besides too_few, foreign_ids, no_results, no_statuses\n"
    "  apply        true or false: whether the record changes all the same\n"
    "\n"
    "  curl -X POST http://HOST:PORT/control -d '{\"rules\": [{\"status\": 503, \"times\": 2}]}'\n";

static int usage(FILE *out)
{
    fputs("usage: fake-platform --name NAME --listen HOST:PORT [--keep N] [--records N] [--sink]\n", out);
    if (out != stdout) {
        fputs("fake-platform --help says more\n", out);
        return 2;
    }
    fputs(help, out);
    return 0;
}

/* -1: go on; otherwise the exit status. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {{"name", required_argument, NULL, 'n'},
                                          {"listen", required_argument, NULL, 'l'},
                                          {"keep", required_argument, NULL, 'k'},
                                          {"records", required_argument, NULL, 'r'},
                                          {"sink", no_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'n')
            options->platform.name = optarg;
        else if (option == 'l')
            options->listen = optarg;
        else if (option == 'k')
            options->platform.keep = strtoul(optarg, NULL, 10);
        else if (option == 'r')
            options->platform.records_max = strtoul(optarg, NULL, 10);
        else if (option == 's')
            options->sink = true;
        else
            return usage(option == 'h' ? stdout : stderr);
    }
    if (optind < argc || strlen(options->platform.name) > 60 || strpbrk(options->platform.name, "\"\\"))
        return usage(stderr);
    return -1;
}

static void on_signal(evutil_socket_t signal_number, short what, void *base)
{
    (void)signal_number, (void)what;
    event_base_loopbreak(base);
}

static int serve(const struct options *options)
{
    struct event_base *base = event_base_new();
    struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
    struct sink *sink = options->sink ? sink_new(options->platform.name) : NULL;
    struct platform *platform = sink ? NULL : platform_new(&options->platform);
    char error[256];
    struct http_server *server =
        http_server_new(base, options->listen, sink ? sink_request : platform_request,
                        sink ? (void *)sink : (void *)platform, error, sizeof error);

    if (!server)
        fatal("%s", error);
    event_add(term, NULL);
    event_add(interrupt, NULL);
    printf("listening on %.*s:%d\n", (int)(strrchr(options->listen, ':') - options->listen), options->listen,
           http_server_port(server));
    fflush(stdout);
    event_base_dispatch(base);
    http_server_free(&server);
    platform_free(&platform);
    sink_free(&sink);
    event_free(interrupt);
    event_free(term);
    event_base_free(base);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.platform = {.name = "platform", .keep = 100000, .records_max = 200000},
                              .listen = "127.0.0.1:0"};
    const char *secret = getenv("FAKE_WEBHOOK_SECRET");
    int status = read_options(argc, argv, &options);

    if (status >= 0)
        return status;
    if (secret && *secret)
        options.platform.webhook_secret = secret;
    log_open("fake-platform", LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    signal(SIGPIPE, SIG_IGN);
    return serve(&options);
}
