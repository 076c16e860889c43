/*
 * dead_parked.c: entries of the belt that nobody could read, as they were kept.
 *
 * The belt carries references alone, so an entry is worth what its event is: an event that waits is published again from
 * PostgreSQL, whatever the entry said of it. What names no event of ours was put there by somebody else, and is let go.
 */
#include "dead.h"
#include "mem.h"
#include "msg.h"
#include "row.h"
#include "sql.h"
#include "text.h"
#include "uuid.h"

#define IDS_MAX PROTO_REFS_MAX

static void on_parked(const struct db_result *result, void *arg)
{
    static const struct row_field fields[] = {
        {"id", ROW_INT},      {"at", ROW_TIME},       {"stage", ROW_TEXT},
        {"stream", ROW_TEXT}, {"entry_id", ROW_TEXT}, {"tenant_id", ROW_TEXT},
        {"reason", ROW_TEXT}, {"entry", ROW_BYTES},   {NULL, ROW_TEXT}};

    for (size_t row = 0; row < db_rows(result); row++) {
        struct json *parked = row_object(result, row, fields);
        char id[32];
        snprintf(id, sizeof id, "parked-%lld", (long long)row_int(parked, "id"));
        json_set(parked, "id", json_new_text(id));
        json_append(arg, parked);
    }
}

int dead_parked_read(struct stores *stores, int64_t number, const char *platform, int64_t since_ms,
                     int64_t limit, struct json *rows)
{
    struct db_params *params = db_params_new();
    struct buf stage = BUF_INIT;

    buf_addf(&stage, PROTO_STAGE_WORKER "%s", platform ? platform : "");
    if (number > 0)
        db_add_int(params, number);
    else
        db_add_null(params, DB_INT8);
    db_add_text(params, platform ? stage.data : NULL);
    db_add_time(params, since_ms);
    db_add_int(params, limit);
    buf_release(&stage);
    return stores_ask(stores, DB_WRITER, sql_ctl_parked, params, on_parked, rows);
}

/* ---- replay ---- */

struct replay {
    struct stores *stores;
    const struct conf *conf;
    const char *id;
    bool dry_run;
    struct uuid events[IDS_MAX]; /* that the entry names */
    size_t event_count;
    size_t found; /* rows of events of ours */
};

/* Every UUID in the text: of a broken reference the first word may still be one. */
static void find_ids(struct replay *replay, const char *text)
{
    size_t len = strlen(text);

    for (size_t at = 0; at + UUID_TEXT_LEN <= len && replay->event_count < IDS_MAX; at++)
        if (uuid_parse(&replay->events[replay->event_count], text + at, UUID_TEXT_LEN) == 0) {
            replay->event_count++;
            at += UUID_TEXT_LEN - 1;
        }
}

static void tell(const struct replay *replay, const struct db_result *result, size_t row)
{
    const char *stage = db_get_text(result, row, db_column(result, "stage"), NULL);
    int64_t status = db_get_int(result, row, db_column(result, "status"));
    struct uuid uuid;
    char id[UUID_TEXT_LEN + 1];

    db_get_uuid(result, row, db_column(result, "id"), &uuid);
    uuid_format(&uuid, id);
    if (stage)
        printf("event %s waits for %s: it %s published again\n", id, stage,
               replay->dry_run ? "would be" : "is");
    else if (db_get_bool(result, row, db_column(result, "scheduled")) && status == EVENT_STATUS_PENDING)
        printf("event %s is not due yet: it comes by itself\n", id);
    else
        printf("event %s waits for nothing that the belt could bring (%s)\n", id,
               msg_event_status_name((enum event_status)status));
}

static void on_unfinished(const struct db_result *result, void *arg)
{
    struct replay *replay = arg;

    replay->found = db_rows(result);
    for (size_t row = 0; row < db_rows(result); row++) {
        tell(replay, result, row);
        if (!replay->dry_run && !db_is_null(result, row, db_column(result, "stage")))
            dead_publish(replay->stores, replay->conf, result, row);
    }
}

static int publish_events(struct replay *replay)
{
    struct db_params *params;
    struct db_array *ids;

    if (replay->event_count == 0)
        return 0;
    if (!replay->dry_run && !stores_redis_up(replay->stores))
        return ctl_fail(
            "%s stays: what it names may have to be published again, and there is no Redis to do it",
            replay->id);
    params = db_params_new();
    ids = db_add_array(params, DB_UUID);
    for (size_t i = 0; i < replay->event_count; i++)
        db_array_uuid(ids, &replay->events[i]);
    return stores_ask(replay->stores, DB_WRITER, sql_ctl_unfinished, params, on_unfinished, replay) ? 1 : 0;
}

static void on_removed(const struct db_result *result, void *arg)
{
    const struct replay *replay = arg;

    if (db_rows(result) == 0)
        printf("%s was removed by somebody else meanwhile\n", replay->id);
    else
        printf("%s is removed\n", replay->id);
}

static int replay_entry(struct replay *replay, const struct json *parked)
{
    struct db_params *params;

    find_ids(replay, row_text(parked, "entry"));
    if (publish_events(replay) != 0)
        return 1;
    if (replay->found == 0)
        printf("%s names no event of ours: there is nothing to publish\n", replay->id);
    if (replay->dry_run) {
        printf("%s would be removed\n", replay->id);
        return 0;
    }
    params = db_params_new();
    db_add_int(params, dead_parked_number(replay->id));
    return stores_ask(replay->stores, DB_WRITER, sql_ctl_unpark, params, on_removed, replay) ? 1 : 0;
}

int dead_parked_replay(struct stores *stores, const struct conf *conf, const char *id, bool dry_run)
{
    struct replay replay = {.stores = stores, .conf = conf, .id = id, .dry_run = dry_run};
    struct json *rows = json_new_array();
    int code = 1;

    if (dead_parked_read(stores, dead_parked_number(id), NULL, 0, 1, rows) == 0)
        code = json_count(rows) > 0 ? replay_entry(&replay, json_at(rows, 0))
                                    : ctl_fail("there is no %s; see syncctl dead list", id);
    json_free(rows);
    return code;
}
