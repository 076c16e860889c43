/* receipts.c: see receipts.h. */
#include "receipts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "log.h"
#include "mem.h"
#include "member.h"
#include "rules.h"
#include "stack.h"

#define PAGE 500

const char *const chaos_platforms[PLATFORMS] = {"bizoholic", "coreldove", "bizosaas"};

/* ── what a platform received ── */

static uint64_t hash_content(struct json *body)
{
    struct json *metadata = json_get(json_get(body, "data"), "_sync_metadata");
    struct buf text = BUF_INIT;
    uint8_t hash[32];
    uint64_t number;

    json_remove(body, "operation");
    json_remove(body, "webhook_id");
    if (metadata)
        json_remove(metadata, "started_at");
    json_write(&text, body);
    digest_sha256(text.data, text.len, hash);
    buf_release(&text);
    memcpy(&number, hash, sizeof number);
    return number;
}

static bool starts_after(const struct receipt *receipt, const struct receipt *other)
{
    return receipt->started_ms >= other->started_ms; /* of one start: in the order of arrival */
}

static void link_again(struct receipts *receipts, struct receipt *receipt)
{
    size_t len = strlen(receipt->webhook_id);
    struct receipt *before = map_get(receipts->by_webhook, receipt->webhook_id, len);

    if (!before || !starts_after(receipt, before)) {
        receipt->again = before;
        map_put(receipts->by_webhook, receipt->webhook_id, len, receipt);
        return;
    }
    while (before->again && starts_after(receipt, before->again))
        before = before->again;
    receipt->again = before->again;
    before->again = receipt;
}

static void add(struct receipts *receipts, struct receipt *receipt)
{
    if ((receipts->count & (receipts->count - 1)) == 0)
        receipts->all =
            mem_realloc(receipts->all, (receipts->count ? receipts->count * 2 : 1) * sizeof *receipts->all);
    receipts->all[receipts->count++] = receipt;
    link_again(receipts, receipt);
}

/* What the sender could know by the answer: nothing, when it was HTML, or left the item out. */
static int status_of(const struct json *entry, size_t item, size_t items)
{
    int status = (int)member_int(entry, "status");
    const char *fault = json_get_text(entry, "fault");
    const struct json *statuses = json_get(entry, "items");
    int64_t own = 0;

    if (fault && (strcmp(fault, "html") == 0 || (strcmp(fault, "too_few") == 0 && item >= items / 2)))
        return 0;
    if (status != 200 || !statuses)
        return status;
    json_int64(json_at(statuses, item), &own);
    return (int)own;
}

/* body: a single call's, or an item's. */
static struct receipt *take(struct receipts *receipts, unsigned platform, const struct json *entry,
                            struct json *body, const char *webhook_id, const char *operation)
{
    const struct json *metadata = json_get(json_get(body, "data"), "_sync_metadata");
    struct receipt *receipt = mem_alloc(sizeof *receipt);

    receipt->platform = platform;
    receipt->seq = member_int(entry, "seq");
    receipt->time_us = member_int(entry, "time_us");
    receipt->status = status_of(entry, 0, 0);
    receipt->version = member_int(metadata, "version");
    receipt->started_ms = member_int(metadata, "started_at");
    member_copy(receipt->record, sizeof receipt->record, metadata, "record_id");
    member_copy(receipt->event, sizeof receipt->event, body, "event_id");
    member_copy(receipt->fault, sizeof receipt->fault, entry, "fault");
    snprintf(receipt->webhook_id, sizeof receipt->webhook_id, "%s", webhook_id ? webhook_id : "");
    snprintf(receipt->operation, sizeof receipt->operation, "%.7s", operation ? operation : "");
    receipt->bulk = strstr(json_get_text(entry, "path"), "/bulk") != NULL;
    receipt->content = hash_content(body);
    add(receipts, receipt);
    return receipt;
}

static void take_entry(struct receipts *receipts, unsigned platform, const struct json *entry)
{
    struct json *body = json_get(entry, "body");
    const struct json *items = json_get(body, "events");
    const char *path = json_get_text(entry, "path");

    if (!items) {
        take(receipts, platform, entry, body, json_get_text(json_get(entry, "headers"), "webhook-id"),
             strrchr(path, '/') + 1);
        return;
    }
    for (size_t i = 0; i < json_count(items); i++) {
        struct json *item = json_at(items, i);
        char operation[16];
        member_copy(operation, sizeof operation, item, "operation");
        char id[64];
        member_copy(id, sizeof id, item, "webhook_id");
        take(receipts, platform, entry, item, id, operation)->status = status_of(entry, i, json_count(items));
    }
}

static void read_platform(struct receipts *receipts, unsigned platform)
{
    int64_t after = 0;
    size_t count;

    do {
        struct buf url = BUF_INIT;
        buf_addf(&url, "%s/received?limit=%d&after=%" PRId64, rules_url(chaos_platforms[platform]), PAGE,
                 after);
        struct json *page = stack_ask("GET", url.data, NULL);
        const struct json *entries = json_get(page, "received");
        if (!page)
            fatal("%s does not answer", url.data);
        count = json_count(entries);
        for (size_t i = 0; i < count; i++)
            take_entry(receipts, platform, json_at(entries, i));
        after = member_int(page, "next_after");
        json_free(page);
        buf_release(&url);
    } while (count > 0);
}

const char *receipts_text(const struct receipt *receipt)
{
    static struct buf text = BUF_INIT;
    struct buf url = BUF_INIT;

    buf_reset(&text);
    buf_addf(&url, "%s/received?limit=1&after=%" PRId64, rules_url(chaos_platforms[receipt->platform]),
             receipt->seq - 1);
    struct json *page = stack_ask("GET", url.data, NULL);
    if (page)
        json_write(&text, json_at(json_get(page, "received"), 0));
    json_free(page);
    buf_release(&url);
    return text.data;
}

void receipt_webhook_id(char id[64], const char *event, const char *platform, int generation)
{
    int len = snprintf(id, 64, "%.39s.%.12s", event, platform);

    if (generation > 1)
        snprintf(id + len, 64 - (size_t)len, ".%d", generation);
}

int receipt_generation(const struct receipt *receipt)
{
    const char *rest = strchr(receipt->webhook_id, '.');

    rest = rest ? strchr(rest + 1, '.') : NULL;
    return rest ? (int)strtol(rest + 1, NULL, 10) : 1;
}

struct receipts *receipts_read(void)
{
    struct receipts *receipts = mem_alloc(sizeof *receipts);

    receipts->by_webhook = map_new();
    for (unsigned platform = 0; platform < PLATFORMS; platform++)
        read_platform(receipts, platform);
    return receipts;
}

void receipts_free(struct receipts **receipts)
{
    if (!*receipts)
        return;
    for (size_t i = 0; i < (*receipts)->count; i++)
        free((*receipts)->all[i]);
    free((*receipts)->all);
    map_free(&(*receipts)->by_webhook);
    free(*receipts);
    *receipts = NULL;
}
