/* received.c: a ring of requests, and counts that outlive it. The tests of "once" and "in order" stand on these counts. */
#include "received.h"

#include <inttypes.h>

#include "json.h"
#include "map.h"
#include "mem.h"
#include "seen.h"

#define PATHS_MAX 256
#define ANSWERED_2XX 1u /* number beside a webhook id */

struct entry {
    int64_t seq, time_us;
    int status;
    char method[8];
    char
        *text; /* path, headers as a JSON object, statuses of items, body: one allocation, each ends in NUL */
    size_t headers_at, items_at, body_at, body_len;
    char fault[24];
};

struct received {
    struct entry *ring;
    size_t keep, kept, bytes;
    int64_t total, first_us, last_us;
    uint64_t duplicates, repeats, out_of_order, unsigned_count, items;
    struct seen *webhook_ids, *versions;
    struct map *paths; /* to uint64_t */
};

struct received *received_new(size_t keep)
{
    struct received *received = mem_alloc(sizeof *received);

    received->keep = keep ? keep : 1;
    received->ring = mem_array(received->keep, sizeof *received->ring);
    received_clear(received);
    return received;
}

static struct entry *entry_at(const struct received *received, int64_t seq)
{
    return &received->ring[(size_t)seq % received->keep];
}

static void drop_oldest(struct received *received)
{
    struct entry *oldest = entry_at(received, received->total - (int64_t)received->kept + 1);

    received->bytes -= oldest->body_at + oldest->body_len + 1;
    free(oldest->text);
    oldest->text = NULL;
    received->kept--;
}

static void forget(struct received *received)
{
    struct map_iter iter = {0};
    const void *key;
    size_t len;
    void *value;

    while (received->kept)
        drop_oldest(received);
    seen_free(&received->webhook_ids);
    seen_free(&received->versions);
    while (received->paths && map_next(received->paths, &iter, &key, &len, &value))
        free(value);
    if (received->paths)
        map_free(&received->paths);
}

void received_free(struct received **received)
{
    if (!*received)
        return;
    forget(*received);
    free((*received)->ring);
    free(*received);
    *received = NULL;
}

void received_clear(struct received *received)
{
    forget(received);
    *received = (struct received){.ring = received->ring, .keep = received->keep};
    received->webhook_ids = seen_new();
    received->versions = seen_new();
    received->paths = map_new();
}

/* ── taking ── */

static void write_headers(const struct http_request *request, struct buf *out)
{
    static const char *const shown[] = {"webhook-id", "webhook-timestamp", "traceparent", "content-type",
                                        "user-agent", "idempotency-key",   "x-request-id"};
    const char *authorization = http_header(request, "authorization"), *value;

    buf_addf(out, "{\"webhook-signature\":%s", http_header(request, "webhook-signature") ? "true" : "false");
    buf_add_str(out, ",\"authorization\":"); /* the scheme alone: a token shown here would end up in logs */
    if (authorization)
        buf_add_json(out, authorization, strcspn(authorization, " "));
    else
        buf_add_str(out, "null");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        if (!(value = http_header(request, shown[i])))
            continue;
        buf_addf(out, ",\"%s\":", shown[i]);
        buf_add_json(out, value, strlen(value));
    }
    buf_add_ch(out, '}');
}

static void write_items(const struct received_facts *facts, struct buf *out)
{
    if (!facts->items)
        return;
    buf_add_str(out, ",\"items\":[");
    for (size_t i = 0; i < facts->item_count; i++)
        buf_addf(out, "%s%d", i ? "," : "", facts->items[i]);
    buf_add_ch(out, ']');
}

static void keep_entry(struct received *received, const struct http_request *request,
                       const struct received_facts *facts)
{
    struct buf text = BUF_INIT;
    struct entry *entry;

    if (received->kept == received->keep)
        drop_oldest(received);
    entry = entry_at(received, ++received->total);
    *entry = (struct entry){.seq = received->total, .time_us = request->received_us, .status = facts->status};
    snprintf(entry->method, sizeof entry->method, "%s", request->method);
    snprintf(entry->fault, sizeof entry->fault, "%s", facts->fault ? facts->fault : "");
    buf_add(&text, request->path, strlen(request->path) + 1);
    entry->headers_at = text.len;
    write_headers(request, &text);
    buf_add_ch(&text, '\0');
    entry->items_at = text.len;
    write_items(facts, &text);
    buf_add_ch(&text, '\0');
    entry->body_at = text.len;
    entry->body_len = request->body_len;
    buf_add(&text, request->body, request->body_len);
    entry->text = buf_detach(&text, NULL);
    received->kept++;
    received->bytes += entry->body_at + entry->body_len + 1;
    while (received->bytes > RECEIVED_BYTES_MAX && received->kept > 1)
        drop_oldest(received);
}

static void count_path(struct received *received, const char *path)
{
    size_t len = strlen(path);
    uint64_t *count = map_get(received->paths, path, len);

    if (!count) {
        if (map_count(received->paths) == PATHS_MAX)
            return;
        count = mem_alloc(sizeof *count);
        map_put(received->paths, path, len, count);
    }
    ++*count;
}

static void check_id(struct received *received, const char *webhook_id, int status)
{
    bool fresh;
    uint32_t *answered = seen_note(received->webhook_ids, seen_hash(webhook_id, strlen(webhook_id)), &fresh);

    if (!answered)
        return;
    if (!fresh)
        received->repeats++;
    if (!fresh && *answered == ANSWERED_2XX)
        received->duplicates++;
    if (status >= 200 && status < 300)
        *answered = ANSWERED_2XX;
}

static void check_order(struct received *received, const struct received_facts *facts)
{
    bool fresh;
    uint32_t *highest =
        seen_note(received->versions, seen_hash(facts->record, strlen(facts->record)), &fresh);

    if (highest && facts->version < *highest)
        received->out_of_order++;
    else if (highest)
        *highest = (uint32_t)facts->version;
}

void received_add(struct received *received, const struct http_request *request,
                  const struct received_facts *facts)
{
    const char *webhook_id = http_header(request, "webhook-id");

    keep_entry(received, request, facts);
    if (!received->first_us)
        received->first_us = request->received_us;
    received->last_us = request->received_us;
    count_path(received, request->path);
    if (!http_header(request, "webhook-signature"))
        received->unsigned_count++;
    if (webhook_id)
        check_id(received, webhook_id, facts->status);
    if (facts->record && facts->version > 0)
        check_order(received, facts);
}

void received_add_item(struct received *received, const char *webhook_id, const struct received_facts *facts)
{
    received->items++;
    if (webhook_id)
        check_id(received, webhook_id, facts->status);
    if (facts->record && facts->version > 0)
        check_order(received, facts);
}

/* ── showing ── */

static void write_body(const char *body, size_t len, struct buf *out)
{
    struct json_error error;

    if (len && json_check(body, len, JSON_DEPTH_MAX, &error) == 0) {
        buf_add_str(out, ",\"body\":");
        buf_add(out, body, len);
    } else {
        buf_add_str(out, ",\"body\":null,\"body_hex\":\"");
        buf_add_hex(out, body, len < 4096 ? len : 4096);
        buf_add_ch(out, '"');
    }
}

static void write_entry(const struct entry *entry, struct buf *out)
{
    buf_addf(out, "{\"seq\":%" PRId64 ",\"time_us\":%" PRId64 ",\"method\":\"%s\",\"path\":", entry->seq,
             entry->time_us, entry->method);
    buf_add_json(out, entry->text, strlen(entry->text));
    buf_addf(out, ",\"status\":%d,\"fault\":", entry->status);
    if (entry->fault[0])
        buf_add_json(out, entry->fault, strlen(entry->fault));
    else
        buf_add_str(out, "null");
    buf_add_str(out, entry->text + entry->items_at);
    buf_add_str(out, ",\"headers\":");
    buf_add_str(out, entry->text + entry->headers_at);
    write_body(entry->text + entry->body_at, entry->body_len, out);
    buf_add_ch(out, '}');
}

void received_write(const struct received *received, int64_t after, int64_t limit, struct buf *out)
{
    int64_t seq = received->total - (int64_t)received->kept + 1, left = limit;

    if (after + 1 > seq)
        seq = after + 1;
    buf_add_str(out, "{\"received\":[");
    for (; seq <= received->total && left > 0; seq++, left--) {
        if (left < limit)
            buf_add_ch(out, ',');
        write_entry(entry_at(received, seq), out);
    }
    buf_addf(out, "],\"next_after\":%" PRId64 ",\"total\":%" PRId64 "}", seq - 1, received->total);
}

void received_write_summary(const struct received *received, struct buf *out)
{
    struct map_iter iter = {0};
    const void *path;
    size_t len, n = 0;
    void *count;

    buf_addf(out,
             "{\"total\":%" PRId64 ",\"webhook_ids\":%zu,\"duplicates\":%" PRIu64 ",\"repeats\":%" PRIu64
             ",\"out_of_order\":%" PRIu64 ",\"unsigned\":%" PRIu64 ",\"items\":%" PRIu64
             ",\"first_us\":%" PRId64 ",\"last_us\":%" PRId64 ",\"kept\":%zu,\"by_path\":{",
             received->total, seen_count(received->webhook_ids), received->duplicates, received->repeats,
             received->out_of_order, received->unsigned_count, received->items, received->first_us,
             received->last_us, received->kept);
    while (map_next(received->paths, &iter, &path, &len, &count)) {
        if (n++)
            buf_add_ch(out, ',');
        buf_add_json(out, path, len);
        buf_addf(out, ":%" PRIu64, *(uint64_t *)count);
    }
    buf_add_str(out, "}}");
}
