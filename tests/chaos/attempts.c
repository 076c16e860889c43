/* attempts.c: see attempts.h. */
#include "attempts.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "map.h"
#include "mem.h"
#include "member.h"
#include "receipts.h"
#include "stack.h"
#include "store.h"
#include "timefmt.h"

struct attempts {
    struct map *by_webhook;
    size_t folded;
};

static struct attempt *find(const struct attempts *attempts, const char *webhook_id, int64_t started_ms)
{
    struct attempt *attempt = map_get(attempts->by_webhook, webhook_id, strlen(webhook_id));

    while (attempt && attempt->started_ms != started_ms)
        attempt = attempt->next;
    return attempt;
}

const struct attempt *attempts_find(const struct attempts *attempts, const char *webhook_id,
                                    int64_t started_ms)
{
    return find(attempts, webhook_id, started_ms);
}

size_t attempts_folded(const struct attempts *attempts)
{
    return attempts->folded;
}

/* The one that is known already, or a fresh one. */
static struct attempt *attempt_of(struct attempts *attempts, const char *event, const char *target,
                                  int64_t generation, int64_t started_ms)
{
    struct attempt *attempt, *before;
    char id[64];

    receipt_webhook_id(id, event, target, (int)generation);
    if ((attempt = find(attempts, id, started_ms)))
        return attempt;
    attempt = mem_alloc(sizeof *attempt);
    attempt->started_ms = started_ms;
    if ((before = map_get(attempts->by_webhook, id, strlen(id)))) {
        attempt->next = before->next;
        before->next = attempt;
    } else {
        map_put(attempts->by_webhook, id, strlen(id), attempt);
    }
    return attempt;
}

/* ── logs ── */

static void take_line(struct attempts *attempts, const char *process, const struct json *line)
{
    const char *event = json_get_text(line, "event"), *target = json_get_text(line, "target");
    const char *ts = json_get_text(line, "ts");
    struct attempt *attempt;
    int64_t ended_ms;

    if (!event || !target || !ts || timefmt_parse(ts, strlen(ts), &ended_ms) != 0)
        return;
    attempt =
        attempt_of(attempts, event, target, member_int(line, "generation"), member_int(line, "started_at"));
    attempt->ended_us = ended_ms * 1000;
    attempt->status = (int)member_int(line, "status");
    snprintf(attempt->process, sizeof attempt->process, "%s", process);
    member_copy(attempt->outcome, sizeof attempt->outcome, line, "outcome");
    member_copy(attempt->error, sizeof attempt->error, line, "error");
}

static void read_log(struct attempts *attempts, const char *file_name)
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
            take_line(attempts, process, json);
        else if (ok)
            attempts->folded += (size_t)member_int(json, "folded");
        if (ok)
            json_free(json);
    }
    fclose(file);
}

static void read_logs(struct attempts *attempts)
{
    char path[600];
    const struct dirent *entry;
    DIR *logs;

    snprintf(path, sizeof path, "%s/log", stack_dir());
    if (!(logs = opendir(path)))
        return;
    while ((entry = readdir(logs)))
        if (strncmp(entry->d_name, "worker-", 7) == 0)
            read_log(attempts, entry->d_name);
    closedir(logs);
}

/* ── rows: what ended when its partition was lost stands only here ── */

static void read_results(struct attempts *attempts)
{
    struct rows *rows = store_query(
        "SELECT event_id, target_platform, (extract(epoch FROM at) * 1000)::bigint, duration_ms, outcome, "
        "COALESCE(http_status, 0), COALESCE(error, ''), generation FROM sync_results");

    for (unsigned i = 0; rows && i < store_count(rows); i++) {
        struct attempt *attempt = attempt_of(attempts, store_text(rows, i, 0), store_text(rows, i, 1),
                                             store_int(rows, i, 7), store_int(rows, i, 2));
        if (*attempt->process)
            continue;
        attempt->ended_us = (attempt->started_ms + store_int(rows, i, 3)) * 1000;
        snprintf(attempt->outcome, sizeof attempt->outcome, "%s", store_text(rows, i, 4));
        attempt->status = (int)store_int(rows, i, 5);
        snprintf(attempt->error, sizeof attempt->error, "%s", store_text(rows, i, 6));
    }
    store_rows_free(&rows);
}

struct attempts *attempts_read(void)
{
    struct attempts *attempts = mem_alloc(sizeof *attempts);

    attempts->by_webhook = map_new();
    read_logs(attempts);
    read_results(attempts);
    return attempts;
}

void attempts_free(struct attempts **attempts)
{
    struct map_iter iter = {0};
    const void *key;
    size_t len;
    void *value;

    if (!*attempts)
        return;
    while (map_next((*attempts)->by_webhook, &iter, &key, &len, &value))
        for (struct attempt *attempt = value, *next; attempt; attempt = next) {
            next = attempt->next;
            free(attempt);
        }
    map_free(&(*attempts)->by_webhook);
    free(*attempts);
    *attempts = NULL;
}
