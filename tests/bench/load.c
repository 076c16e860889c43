/*
 * load: posts numbered events to a gateway, at a rate or as fast as answers come, and prints what happened as one JSON line.
 *
 *   load --url http://127.0.0.1:8025/sync/events [--connections 64] [--count 10000] [--seconds 60] [--rate 300]
 *        [--batch 100] [--first 0] [--records 0] [--run NAME] [--tenant bench] [--failed FILE]
 *
 * The token comes from BENCH_TOKEN. --batch above 1 posts NDJSON (give the bulk route). --failed lists the numbers of the
 * events that were not accepted. Exit status 0 also when some failed: the caller judges the figures.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>

#include "load_client.h"
#include "log.h"
#include "mem.h"

#define COUNT_MAX 100000000

static int usage(void)
{
    fprintf(
        stderr,
        "usage: load --url http://ADDRESS:PORT/PATH [--connections N] [--count N] [--seconds S] [--rate R]\n"
        "            [--batch N] [--first N] [--records N] [--run NAME] [--tenant NAME] [--failed FILE]\n");
    return 2;
}

static int read_url(struct load_options *options, const char *url)
{
    unsigned port;

    if (sscanf(url, "http://%63[0-9.]:%5u%127s", options->host, &port, options->path) != 3 || port == 0 ||
        port > 65535)
        return -1;
    options->port = (uint16_t)port;
    return 0;
}

static int read_option(struct load_options *options, int option, const char *value)
{
    switch (option) {
    case 'u':
        return read_url(options, value);
    case 'c':
        options->connections = (unsigned)strtoul(value, NULL, 10);
        break;
    case 'n':
        options->count = strtoll(value, NULL, 10);
        break;
    case 's':
        options->seconds = strtod(value, NULL);
        break;
    case 'r':
        options->rate = strtod(value, NULL);
        break;
    case 'b':
        options->batch = (unsigned)strtoul(value, NULL, 10);
        break;
    case 'f':
        options->first = strtoll(value, NULL, 10);
        break;
    case 'd':
        options->records = strtoll(value, NULL, 10);
        break;
    case 'i':
        options->run = value;
        break;
    case 't':
        options->tenant = value;
        break;
    default:
        return -1;
    }
    return 0;
}

static int read_options(int argc, char **argv, struct load_options *options, const char **failed)
{
    static const struct option longs[] = {
        {"url", required_argument, NULL, 'u'},    {"connections", required_argument, NULL, 'c'},
        {"count", required_argument, NULL, 'n'},  {"seconds", required_argument, NULL, 's'},
        {"rate", required_argument, NULL, 'r'},   {"batch", required_argument, NULL, 'b'},
        {"first", required_argument, NULL, 'f'},  {"records", required_argument, NULL, 'd'},
        {"run", required_argument, NULL, 'i'},    {"tenant", required_argument, NULL, 't'},
        {"failed", required_argument, NULL, 'F'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'F')
            *failed = optarg;
        else if (read_option(options, option, optarg) != 0)
            return -1;
    }
    if (!options->port || options->connections < 1 || options->connections > 4096 || options->batch < 1 ||
        options->batch > 1000 || options->count < 1 || options->count > COUNT_MAX || options->seconds > 3600)
        return -1;
    return optind == argc ? 0 : -1;
}

static void write_failed(int64_t number, void *file)
{
    if (file)
        fprintf(file, "%" PRId64 "\n", number);
}

static void print_totals(const struct load_totals *totals)
{
    double seconds = (double)(totals->ended_us - totals->started_us) / 1e6;
    struct buf out = BUF_INIT;
    struct rusage usage_of_us;

    getrusage(RUSAGE_SELF, &usage_of_us);
    buf_addf(&out,
             "{\"sent\":%" PRId64 ",\"accepted\":%" PRId64 ",\"failed\":%" PRId64 ",\"late\":%" PRId64
             ",\"broken\":%" PRId64 ",\"started_us\":%" PRId64 ",\"ended_us\":%" PRId64
             ",\"seconds\":%.6f,\"rate\":%.1f,\"cpu_us\":%ld,\"statuses\":{",
             totals->sent, totals->accepted, totals->failed, totals->late, totals->broken, totals->started_us,
             totals->ended_us, seconds, seconds > 0 ? (double)totals->accepted / seconds : 0,
             (usage_of_us.ru_utime.tv_sec + usage_of_us.ru_stime.tv_sec) * 1000000 +
                 usage_of_us.ru_utime.tv_usec + usage_of_us.ru_stime.tv_usec);
    for (int status = 0, n = 0; status < 600; status++)
        if (totals->statuses[status])
            buf_addf(&out, "%s\"%d\":%" PRIu64, n++ ? "," : "", status, totals->statuses[status]);
    buf_add_str(&out, "},\"answer_us\":");
    histogram_json(&totals->answer_us, &out);
    printf("%s}\n", out.data);
    buf_release(&out);
}

int main(int argc, char **argv)
{
    struct load_options options = {.token = getenv("BENCH_TOKEN"),
                                   .run = "run",
                                   .tenant = "bench",
                                   .connections = 64,
                                   .batch = 1,
                                   .count = 10000,
                                   .seconds = 60};
    struct event_config *config = event_config_new();
    const char *failed_path = NULL;
    struct event_base *base;
    struct load_client *client;
    FILE *failed = NULL;

    if (read_options(argc, argv, &options, &failed_path) != 0)
        return usage();
    log_open("load", LOG_LEVEL_INFO, LOG_FORMAT_AUTO);
    signal(SIGPIPE, SIG_IGN);
    if (failed_path && !(failed = fopen(failed_path, "w")))
        fatal("cannot write %s: %s", failed_path, strerror(errno));
    event_config_set_flag(
        config, EVENT_BASE_FLAG_PRECISE_TIMER); /* a millisecond of timer would be part of the latency */
    base = event_base_new_with_config(config);
    client = load_client_new(base, &options, write_failed, failed);
    load_client_run(client);
    print_totals(load_client_totals(client));
    load_client_free(&client);
    event_base_free(base);
    event_config_free(config);
    if (failed)
        fclose(failed);
    return 0;
}
