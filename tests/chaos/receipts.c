/* receipts.c: see receipts.h. */
#include "receipts.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "log.h"
#include "mem.h"
#include "rules.h"
#include "stack.h"
#include "store.h"
#include "timefmt.h"

#define PAGE 500

const char *const platform_names[PLATFORMS] = {"bizoholic", "coreldove", "bizosaas"};

/* ── what a platform received ── */

static int64_t int_member(const struct json *object, const char *name)
{
    int64_t number = 0;

    if (json_get(object, name))
        json_int64(json_get(object, name), &number);
    return number;
}

static void copy_member(char *to, size_t size, const struct json *object, const char *name)
{
    const char *text = json_get_text(object, name);

    snprintf(to, size, "%s", text ? text : "");
}

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

static void add(struct receipts *receipts, struct receipt *receipt)
{
    size_t len = strlen(receipt->webhook_id);
    struct receipt *first = map_get(receipts->by_webhook, receipt->webhook_id, len);

    if ((receipts->count & (receipts->count - 1)) == 0)
        receipts->all =
            mem_realloc(receipts->all, (receipts->count ? receipts->count * 2 : 1) * sizeof *receipts->all);
    receipts->all[receipts->count++] = receipt;
    if (!first) {
        map_put(receipts->by_webhook, receipt->webhook_id, len, receipt);
        return;
    }
    while (first->again)
        first = first->again;
    first->again = receipt;
}

/* body: a single call's, or an item's. */
static void take(struct receipts *receipts, unsigned platform, const struct json *entry, struct json *body,
                 const char *webhook_id, const char *operation)
{
    const struct json *metadata = json_get(json_get(body, "data"), "_sync_metadata");
    struct receipt *receipt = mem_alloc(sizeof *receipt);

    receipt->platform = platform;
    receipt->seq = int_member(entry, "seq");
    receipt->time_us = int_member(entry, "time_us");
    receipt->status = (int)int_member(entry, "status");
    receipt->version = int_member(metadata, "version");
    receipt->started_ms = int_member(metadata, "started_at");
    copy_member(receipt->record, sizeof receipt->record, metadata, "record_id");
    copy_member(receipt->event, sizeof receipt->event, body, "event_id");
    copy_member(receipt->fault, sizeof receipt->fault, entry, "fault");
    snprintf(receipt->webhook_id, sizeof receipt->webhook_id, "%s", webhook_id ? webhook_id : "");
    snprintf(receipt->operation, sizeof receipt->operation, "%.7s", operation ? operation : "");
    receipt->bulk = strstr(json_get_text(entry, "path"), "/bulk") != NULL;
    receipt->content = hash_content(body);
    add(receipts, receipt);
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
        copy_member(operation, sizeof operation, item, "operation");
        char id[64];
        copy_member(id, sizeof id, item, "webhook_id");
        take(receipts, platform, entry, item, id, operation);
    }
}

static void read_platform(struct receipts *receipts, unsigned platform)
{
    int64_t after = 0;
    size_t count;

    do {
        struct buf url = BUF_INIT;
        buf_addf(&url, "%s/received?limit=%d&after=%" PRId64, rules_url(platform_names[platform]), PAGE,
                 after);
        struct json *page = stack_ask("GET", url.data, NULL);
        const struct json *entries = json_get(page, "received");
        if (!page)
            fatal("%s does not answer", url.data);
        count = json_count(entries);
        for (size_t i = 0; i < count; i++)
            take_entry(receipts, platform, json_at(entries, i));
        after = int_member(page, "next_after");
        json_free(page);
        buf_release(&url);
    } while (count > 0);
}

const char *receipts_text(const struct receipt *receipt)
{
    static struct buf text = BUF_INIT;
    struct buf url = BUF_INIT;

    buf_reset(&text);
    buf_addf(&url, "%s/received?limit=1&after=%" PRId64, rules_url(platform_names[receipt->platform]),
             receipt->seq - 1);
    struct json *page = stack_ask("GET", url.data, NULL);
    if (page)
        json_write(&text, json_at(json_get(page, "received"), 0));
    json_free(page);
    buf_release(&url);
    return text.data;
}

/* ── what the workers wrote ── */

static struct attempt *add_attempt(struct receipts *receipts, const char *event, const char *target,
                                   int64_t ended_us)
{
    struct attempt *attempt = mem_alloc(sizeof *attempt), *before;
    char id[96];

    attempt->ended_us = ended_us;
    snprintf(id, sizeof id, "%s.%s", event, target);
    if ((before = map_get(receipts->attempts, id, strlen(id)))) {
        attempt->next = before->next;
        before->next = attempt;
    } else {
        map_put(receipts->attempts, id, strlen(id), attempt);
    }
    return attempt;
}

static void take_line(struct receipts *receipts, const char *process, const struct json *line)
{
    const char *event = json_get_text(line, "event"), *target = json_get_text(line, "target");
    const char *ts = json_get_text(line, "ts");
    struct attempt *attempt;
    int64_t ended_ms;

    if (!event || !target || !ts || timefmt_parse(ts, strlen(ts), &ended_ms) != 0)
        return;
    attempt = add_attempt(receipts, event, target, ended_ms * 1000);
    attempt->status = (int)int_member(line, "status");
    snprintf(attempt->process, sizeof attempt->process, "%s", process);
    copy_member(attempt->outcome, sizeof attempt->outcome, line, "outcome");
}

/* What was recorded as no success: the logs leave lines out when there are too many in a second. */
static void read_results(struct receipts *receipts)
{
    struct rows *rows = store_query(
        "SELECT event_id, target_platform, (extract(epoch FROM at) * 1000000)::bigint + duration_ms * 1000, "
        "outcome, COALESCE(http_status, 0) FROM sync_results WHERE outcome <> 'delivered'");

    for (unsigned i = 0; rows && i < store_count(rows); i++) {
        struct attempt *attempt =
            add_attempt(receipts, store_text(rows, i, 0), store_text(rows, i, 1), store_int(rows, i, 2));
        snprintf(attempt->outcome, sizeof attempt->outcome, "%s", store_text(rows, i, 3));
        attempt->status = (int)store_int(rows, i, 4);
    }
    store_rows_free(&rows);
}

static void read_log(struct receipts *receipts, const char *file_name)
{
    char path[900], process[32], line[8192];
    FILE *file;

    snprintf(path, sizeof path, "%s/log/%s", stack_dir(), file_name);
    snprintf(process, sizeof process, "%.*s", (int)(strcspn(file_name, ".") & 31), file_name);
    if (!(file = fopen(path, "r")))
        return;
    while (fgets(line, sizeof line, file)) {
        struct json_error where;
        struct json *json;
        bool ok;
        if (!strstr(line, "\"what\":\"delivery\""))
            continue;
        json = json_parse(line, strcspn(line, "\n"), 8, &where, &ok);
        if (ok && json_get(json, "event"))
            take_line(receipts, process, json);
        else if (ok)
            receipts->folded += (size_t)int_member(json, "folded");
        if (ok)
            json_free(json);
    }
    fclose(file);
}

static void read_logs(struct receipts *receipts)
{
    char path[600];
    const struct dirent *entry;
    DIR *logs;

    snprintf(path, sizeof path, "%s/log", stack_dir());
    if (!(logs = opendir(path)))
        return;
    while ((entry = readdir(logs)))
        if (strncmp(entry->d_name, "worker-", 7) == 0)
            read_log(receipts, entry->d_name);
    closedir(logs);
}

struct receipts *receipts_read(void)
{
    struct receipts *receipts = mem_alloc(sizeof *receipts);

    receipts->by_webhook = map_new();
    receipts->attempts = map_new();
    for (unsigned platform = 0; platform < PLATFORMS; platform++)
        read_platform(receipts, platform);
    read_logs(receipts);
    read_results(receipts);
    return receipts;
}

void receipts_free(struct receipts **receipts)
{
    struct map_iter iter = {0};
    const void *key;
    size_t len;
    void *value;

    if (!*receipts)
        return;
    for (size_t i = 0; i < (*receipts)->count; i++)
        free((*receipts)->all[i]);
    while (map_next((*receipts)->attempts, &iter, &key, &len, &value))
        for (struct attempt *attempt = value, *next; attempt; attempt = next) {
            next = attempt->next;
            free(attempt);
        }
    free((*receipts)->all);
    map_free(&(*receipts)->by_webhook);
    map_free(&(*receipts)->attempts);
    free(*receipts);
    *receipts = NULL;
}
