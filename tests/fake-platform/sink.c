/* sink.c: counts deliveries without keeping them; what it miscounts, the benchmark would report as lost or doubled. */
#include "sink.h"

#include <inttypes.h>

#include "histogram.h"
#include "mem.h"
#include "seen.h"

#define NUMBERS_MAX (1u << 27) /* 16 MB of bits */
#define MISSING_LISTED_MAX 100000

struct counts {
    uint64_t requests, received; /* a request may carry several deliveries */
    uint64_t distinct, duplicates, unnumbered;
    uint64_t repeated_webhook_ids, order_violations, unversioned;
    int64_t first_us, last_us;
};

struct sink {
    char platform[64];
    struct counts counts;
    struct histogram latency;
    uint8_t *numbers; /* one bit for each event number */
    size_t numbers_bytes;
    struct seen *webhook_ids, *versions;
    struct buf out;
};

struct sink *sink_new(const char *platform)
{
    struct sink *sink = mem_alloc(sizeof *sink);

    snprintf(sink->platform, sizeof sink->platform, "%s", platform);
    sink->webhook_ids = seen_new();
    sink->versions = seen_new();
    buf_init(&sink->out);
    return sink;
}

void sink_free(struct sink **sink)
{
    if (!*sink)
        return;
    seen_free(&(*sink)->webhook_ids);
    seen_free(&(*sink)->versions);
    buf_release(&(*sink)->out);
    free((*sink)->numbers);
    free(*sink);
    *sink = NULL;
}

static void sink_clear(struct sink *sink)
{
    seen_free(&sink->webhook_ids);
    seen_free(&sink->versions);
    sink->webhook_ids = seen_new();
    sink->versions = seen_new();
    sink->counts = (struct counts){0};
    sink->latency = (struct histogram){0};
    if (sink->numbers)
        memset(sink->numbers, 0, sink->numbers_bytes);
}

/* The bytes after `"name":` in the body, or NULL. The name comes with its quotes. */
static const char *member(const char *body, size_t len, const char *quoted_name, size_t name_len)
{
    const char *end = body + len;

    while ((body = memmem(body, (size_t)(end - body), quoted_name, name_len))) {
        for (body += name_len; body < end && *body == ' '; body++)
            ;
        if (body < end && *body == ':') { /* else it is a name in a list, as in changed_fields */
            for (body++; body < end && *body == ' '; body++)
                ;
            return body;
        }
    }
    return NULL;
}
#define MEMBER(body, len, name) member(body, len, "\"" name "\"", sizeof name + 1)

static bool number_is_set(const struct sink *sink, uint64_t n)
{
    return n / 8 < sink->numbers_bytes && (sink->numbers[n / 8] >> (n % 8) & 1);
}

static void note_number(struct sink *sink, const char *text)
{
    uint64_t n = text ? strtoull(text, NULL, 10) : NUMBERS_MAX;

    if (n >= NUMBERS_MAX) {
        sink->counts.unnumbered++;
        return;
    }
    if (n / 8 >= sink->numbers_bytes) {
        size_t bytes = (n / 8 + 65536) & ~(size_t)65535;

        sink->numbers = mem_realloc(sink->numbers, bytes);
        memset(sink->numbers + sink->numbers_bytes, 0, bytes - sink->numbers_bytes);
        sink->numbers_bytes = bytes;
    }
    if (number_is_set(sink, n)) {
        sink->counts.duplicates++;
    } else {
        sink->numbers[n / 8] |= (uint8_t)(1u << (n % 8));
        sink->counts.distinct++;
    }
}

static void note_webhook_id(struct sink *sink, const char *id, size_t len)
{
    bool fresh = true;

    if (id)
        seen_note(sink->webhook_ids, seen_hash(id, len), &fresh);
    if (!fresh)
        sink->counts.repeated_webhook_ids++;
}

static void note_version(struct sink *sink, const char *body, size_t len)
{
    const char *record = MEMBER(body, len, "record_id"), *version = MEMBER(body, len, "version");
    uint32_t *highest, number;
    bool fresh;

    if (!record || !version || *record != '"') {
        sink->counts.unversioned++;
        return;
    }
    number = (uint32_t)strtoul(version, NULL, 10);
    highest = seen_note(sink->versions, seen_hash(record + 1, strcspn(record + 1, "\"")), &fresh);
    if (highest && number < *highest)
        sink->counts.order_violations++;
    else if (highest)
        *highest = number;
}

static void note_delivery(struct sink *sink, const char *body, size_t len, int64_t received_us)
{
    const char *sent = MEMBER(body, len, "sent_us");

    sink->counts.received++;
    if (!sink->counts.first_us)
        sink->counts.first_us = received_us;
    sink->counts.last_us = received_us;
    note_number(sink, MEMBER(body, len, "bench_n"));
    note_version(sink, body, len);
    if (sent)
        histogram_add(&sink->latency, received_us - strtoll(sent, NULL, 10));
}

/* A bulk is not read either: an item begins with its event_id and ends with its webhook_id. */
static void note_bulk(struct sink *sink, const char *body, size_t len, int64_t received_us)
{
    const char *end = body + len, *event, *id;

    buf_add_str(&sink->out, "{\"results\":[");
    while ((event = MEMBER(body, (size_t)(end - body), "event_id")) &&
           (id = MEMBER(body, (size_t)(end - body), "webhook_id"))) {
        note_webhook_id(sink, id + 1, strcspn(id + 1, "\""));
        note_delivery(sink, body, (size_t)(id - body), received_us);
        buf_addf(&sink->out, "%s{\"event_id\":%.38s,\"status\":200}",
                 sink->out.data[sink->out.len - 1] == '[' ? "" : ",", event);
        body = id;
    }
    buf_add_str(&sink->out, "]}");
}

static void write_stats(struct sink *sink, uint64_t missing)
{
    const struct counts *c = &sink->counts;

    buf_addf(&sink->out,
             "{\"platform\":\"%s\",\"requests\":%" PRIu64 ",\"received\":%" PRIu64 ",\"distinct\":%" PRIu64
             ",\"missing\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"repeated_webhook_ids\":%" PRIu64
             ",\"order_violations\":%" PRIu64 ",\"unnumbered\":%" PRIu64 ",\"unversioned\":%" PRIu64
             ",\"first_us\":%" PRId64 ",\"last_us\":%" PRId64 ",\"latency_us\":",
             sink->platform, c->requests, c->received, c->distinct, missing, c->duplicates,
             c->repeated_webhook_ids, c->order_violations, c->unnumbered, c->unversioned, c->first_us,
             c->last_us);
    histogram_json(&sink->latency, &sink->out);
    buf_add_ch(&sink->out, '}');
}

/* Counts the numbers of the range that did not arrive; with `list`, writes them too. */
static uint64_t missing_of(struct sink *sink, const struct http_request *request, bool list)
{
    int64_t first = http_query_int(request, "first", 0), count = http_query_int(request, "count", 0);
    uint64_t missing = 0;

    for (int64_t n = first; n >= 0 && n < first + count && n < NUMBERS_MAX; n++)
        if (!number_is_set(sink, (uint64_t)n) && missing++ < MISSING_LISTED_MAX && list)
            buf_addf(&sink->out, missing > 1 ? ",%" PRId64 : "%" PRId64, n);
    return missing;
}

static void answer_out(struct http_conn *conn, struct sink *sink)
{
    http_answer(conn,
                &(struct http_answer){.status = 200, .body = sink->out.data, .body_len = sink->out.len});
}

static void answer_watcher(struct http_conn *conn, const struct http_request *request, struct sink *sink)
{
    buf_reset(&sink->out);
    if (strcmp(request->path, "/missing") == 0) {
        buf_add_str(&sink->out, "{\"missing\":[");
        missing_of(sink, request, true);
        buf_add_str(&sink->out, "]}");
    } else if (strcmp(request->path, "/stats") == 0) {
        write_stats(sink, missing_of(sink, request, false));
    } else {
        buf_addf(&sink->out, "{\"status\":\"healthy\",\"platform\":\"%s\",\"sink\":true}", sink->platform);
    }
    answer_out(conn, sink);
}

static void take_request(struct sink *sink, const struct http_request *request)
{
    const char *id = http_header(request, "webhook-id"), *bulk = strstr(request->path, "/api/sync/bulk");

    if (id)
        note_webhook_id(sink, id, strlen(id));
    if (bulk) {
        note_bulk(sink, request->body, request->body_len, request->received_us);
        return;
    }
    note_delivery(sink, request->body, request->body_len, request->received_us);
    buf_addf(&sink->out, "{\"success\":true,\"id\":\"%s-%" PRIu64 "\"}", sink->platform,
             sink->counts.received);
}

void sink_request(struct http_conn *conn, const struct http_request *request, void *arg)
{
    struct sink *sink = arg;

    if (strcmp(request->method, "GET") == 0) {
        answer_watcher(conn, request, sink);
        return;
    }
    buf_reset(&sink->out);
    if (strcmp(request->path, "/stats") == 0) {
        sink_clear(sink);
        buf_add_str(&sink->out, "{}");
    } else {
        sink->counts.requests++;
        take_request(sink, request);
    }
    answer_out(conn, sink);
}
