/* load_body.c: events like those of the original's clients, numbered and stamped so that the receiving side can check them. */
#include "load_body.h"

#include <inttypes.h>

#include "mem.h"

static void add_event(struct buf *out, const struct load_options *options, int64_t number, int64_t sent_us)
{
    int64_t record = options->records ? number % options->records : number;
    bool create = !options->records || number - options->first < options->records;

    buf_addf(out,
             "{\"event_type\":\"user_%s\",\"source_platform\":\"bizoholic\",\"target_platforms\":["
             "\"coreldove\",\"bizosaas\"],"
             "\"data\":{\"user_id\":\"%s-%" PRId64 "\",\"email\":\"%s-%" PRId64
             "@example.com\",\"name\":\"John Doe\","
             "\"bench_n\":%" PRId64 ",\"sent_us\":%" PRId64
             "},\"tenant_id\":\"%s\",\"user_id\":null,\"priority\":5}",
             create ? "created" : "updated", options->run, record, options->run, record, number, sent_us,
             options->tenant);
}

/* The head goes in front with room left for the length, so that the body is written once. */
void load_body_request(struct buf *out, const struct load_options *options, int64_t number, unsigned count,
                       int64_t sent_us)
{
    size_t length_at, body_at;
    char length[16];

    buf_reset(out);
    buf_addf(out, "POST %s HTTP/1.1\r\nHost: %s:%u\r\nContent-Type: %s\r\n", options->path, options->host,
             options->port, count > 1 ? "application/x-ndjson" : "application/json");
    if (options->token)
        buf_addf(out, "Authorization: Bearer %s\r\n", options->token);
    buf_addf(out, "Idempotency-Key: %s-%" PRId64 "\r\nContent-Length: ", options->run, number);
    length_at = out->len;
    buf_add_str(out, "00000000\r\n\r\n");
    body_at = out->len;
    for (unsigned i = 0; i < count; i++) {
        add_event(out, options, number + i, sent_us);
        if (count > 1)
            buf_add_ch(out, '\n');
    }
    snprintf(length, sizeof length, "%08zu", out->len - body_at);
    memcpy(out->data + length_at, length, 8);
}

unsigned load_body_accepted(const char *answer, int64_t number, unsigned count, load_failed_cb on_failed,
                            void *arg)
{
    static const char status[] = "\"status\":\"";
    unsigned accepted = 0;

    if (count == 1)
        return 1;
    for (unsigned i = 0; i < count; i++) {
        answer = answer ? strstr(answer, status) : NULL;
        if (answer && strncmp(answer += sizeof status - 1, "created\"", 8) == 0)
            accepted++;
        else
            on_failed(number + i, arg);
    }
    return accepted;
}
