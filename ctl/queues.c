/*
 * queues.c: syncctl queues [--json]: what waits where, and why.
 *
 * Counters and set sizes, never a scan: it may be asked as often as one likes while all is on fire. What waits comes from
 * PostgreSQL, what is on the belt from Redis; with one of them away the other's half is shown and the exit code is 1.
 */
#include "auth.h"
#include "clock.h"
#include "mem.h"
#include "row.h"
#include "sql.h"
#include "stages.h"
#include "stores.h"
#include "text.h"
#include "timefmt.h"

#define ALERTS_SHOWN 5
#define PARKED_MAX 1000

struct queues {
    struct conf *conf;
    struct stores *stores;
    struct json *stages, *platforms, *alerts; /* arrays of rows */
    int64_t parked;                           /* -1: not known */
    int64_t partitions, now_ms;
};

/* ---- PostgreSQL ---- */

static void add_rows(struct json *array, const struct db_result *result, const struct row_field *fields)
{
    for (size_t row = 0; row < db_rows(result); row++)
        json_append(array, row_object(result, row, fields));
}

static void on_stages(const struct db_result *result, void *arg)
{
    static const struct row_field fields[] = {
        {"stage", ROW_TEXT}, {"waiting", ROW_INT}, {"backoff", ROW_INT},    {"dead", ROW_INT},
        {"owners", ROW_INT}, {"held", ROW_INT},    {"partitions", ROW_INT}, {NULL, ROW_TEXT}};
    struct queues *queues = arg;

    add_rows(queues->stages, result, fields);
    if (json_count(queues->stages) > 0 && row_int(json_at(queues->stages, 0), "partitions") > 0)
        queues->partitions = row_int(json_at(queues->stages, 0), "partitions");
}

static void on_platforms(const struct db_result *result, void *arg)
{
    static const struct row_field fields[] = {
        {"platform", ROW_TEXT}, {"route", ROW_TEXT}, {"state", ROW_TEXT},        {"reason", ROW_TEXT},
        {"since", ROW_TIME},    {"until", ROW_TIME}, {"last_success", ROW_TIME}, {NULL, ROW_TEXT}};

    add_rows(((struct queues *)arg)->platforms, result, fields);
}

static void on_alerts(const struct db_result *result, void *arg)
{
    static const struct row_field fields[] = {
        {"level", ROW_TEXT},      {"title", ROW_TEXT}, {"platform", ROW_TEXT}, {"status", ROW_TEXT},
        {"created_at", ROW_TIME}, {"open", ROW_INT},   {"critical", ROW_INT},  {"error", ROW_INT},
        {"warning", ROW_INT},     {NULL, ROW_TEXT}};

    add_rows(((struct queues *)arg)->alerts, result, fields);
}

static void on_parked(const struct db_result *result, void *arg)
{
    ((struct queues *)arg)->parked = db_get_int(result, 0, db_column(result, "parked"));
}

static struct json *find_stage(const struct queues *queues, const char *name)
{
    for (size_t i = 0; i < json_count(queues->stages); i++)
        if (strcmp(row_text(json_at(queues->stages, i), "stage"), name) == 0)
            return json_at(queues->stages, i);
    return NULL;
}

static void on_oldest(const struct db_result *result, void *arg)
{
    static const struct row_field fields[] = {{"stage", ROW_TEXT}, {"oldest", ROW_TIME}, {NULL, ROW_TEXT}};

    for (size_t row = 0; row < db_rows(result); row++) {
        struct json *found = row_object(result, row, fields),
                    *stage = find_stage(arg, row_text(found, "stage"));
        if (stage)
            json_set(stage, "oldest", json_ref(json_get(found, "oldest")));
        json_free(found);
    }
}

static void ask_oldest(struct queues *queues)
{
    struct db_params *params = db_params_new();
    struct db_array *stages = db_add_array(params, DB_TEXT);

    for (size_t i = 0; i < json_count(queues->stages); i++) {
        json_set(json_at(queues->stages, i), "oldest", NULL);
        if (row_int(json_at(queues->stages, i), "waiting") > 0)
            db_array_text(stages, row_text(json_at(queues->stages, i), "stage"));
    }
    db_add_int(params, queues->partitions);
    stores_ask(queues->stores, DB_READER, sql_ctl_oldest, params, on_oldest, queues);
}

static void ask_postgres(struct queues *queues)
{
    struct db_params *shown, *counted;

    if (stores_ask(queues->stores, DB_READER, sql_ctl_queues, NULL, on_stages, queues) != 0)
        return;
    shown = db_params_new();
    db_add_int(shown, ALERTS_SHOWN);
    counted = db_params_new();
    db_add_int(counted, PARKED_MAX + 1);
    stores_send(queues->stores, DB_READER, sql_ctl_platforms, NULL, on_platforms, queues);
    stores_send(queues->stores, DB_READER, sql_ctl_alerts, shown, on_alerts, queues);
    stores_send(queues->stores, DB_WRITER, sql_ctl_parked_count, counted, on_parked, queues);
    stores_wait(queues->stores);
    ask_oldest(queues);
}

/* ---- Redis ---- */

static void on_size(const struct stream_reply *reply, void *arg)
{
    int64_t *size = arg;

    *size += reply_int(reply);
}

static void ask_size(struct queues *queues, const char *stream, int64_t *size)
{
    struct stream_command *command = stream_command("SCARD");
    char key[MSG_KEY_MAX];

    msg_key_set(key, stream);
    stream_add(command, key);
    stores_command(queues->stores, command, on_size, size);
}

/* -1: no stage of ours. */
static int stream_key(const char *stage, enum priority priority, unsigned partition, char key[MSG_KEY_MAX])
{
    const char *platform = stage + strlen(PROTO_STAGE_WORKER);

    if (strcmp(stage, PROTO_STAGE_ROUTER) == 0)
        msg_key_events(key, priority, partition);
    else if (strcmp(stage, PROTO_STAGE_RESOLVER) == 0)
        msg_key_conflicts(key, partition);
    else if (strncmp(stage, PROTO_STAGE_WORKER, strlen(PROTO_STAGE_WORKER)) == 0 &&
             strlen(platform) <= MSG_PLATFORM_MAX)
        msg_key_deliver(key, platform, priority, partition);
    else
        return -1;
    return 0;
}

static int ask_sizes(struct queues *queues, const char *stage, int64_t sizes[PRIORITIES])
{
    bool resolver = strcmp(stage, PROTO_STAGE_RESOLVER) == 0; /* its streams have no priorities */
    char key[MSG_KEY_MAX];

    for (unsigned n = 0; n < (unsigned)queues->partitions; n++)
        for (unsigned p = 0; p < PRIORITIES; p++) {
            if (resolver && p != PRIORITY_NORMAL)
                continue;
            if (stream_key(stage, (enum priority)p, n, key) != 0)
                return -1;
            ask_size(queues, key, &sizes[p]);
        }
    return stores_wait(queues->stores);
}

static void ask_redis(struct queues *queues)
{
    for (size_t i = 0; i < json_count(queues->stages) && stores_redis_up(queues->stores); i++) {
        struct json *stage = json_at(queues->stages, i), *belt;
        int64_t sizes[PRIORITIES] = {0};
        if (ask_sizes(queues, row_text(stage, "stage"), sizes) != 0)
            continue;
        belt = json_new_object();
        for (unsigned p = 0; p < PRIORITIES; p++)
            json_set(belt, msg_priority_name((enum priority)p), json_new_int(sizes[p]));
        json_set(stage, "on_belt", belt);
    }
}

/* ---- the stages ---- */

static void need_stage(const char *name, void *arg)
{
    struct queues *queues = arg;
    struct json *stage;

    if (find_stage(queues, name))
        return;
    stage = json_new_object();
    json_set(stage, "stage", json_new_text(name));
    json_append(queues->stages, stage);
}

/* Those that PostgreSQL does not know (it is away, or nobody has run yet), by the platform files. */
static void need_stages(struct queues *queues)
{
    if (stages_each(queues->conf, need_stage, queues) != 0 && stores_postgres_failed(queues->stores))
        ctl_fail("without PostgreSQL the platforms' names come from the files in PLATFORM_DIR, and these "
                 "cannot be read");
}

/* ---- what is shown ---- */

static void add_age(struct table *table, const struct json *row, const char *member, int64_t now_ms)
{
    int64_t age_ms = text_age_ms(json_get_text(row, member), now_ms);
    struct buf text = BUF_INIT;

    if (age_ms >= 0)
        text_span(&text, age_ms);
    table_text(table, text.data);
    buf_release(&text);
}

static void show_stages(const struct queues *queues, struct buf *out)
{
    static const char *const headers[] = {"STAGE", ">WAITING",        ">OLDEST", ">BACKING OFF",
                                          ">DEAD", ">BELT: CRITICAL", ">HIGH",   ">NORMAL",
                                          ">LOW",  ">OWNERS",         ">OWNED",  NULL};
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(queues->stages); i++) {
        const struct json *stage = json_at(queues->stages, i), *belt = json_get(stage, "on_belt");
        char owned[48] = "";
        table_json(table, stage, "stage");
        table_json(table, stage, "waiting");
        add_age(table, stage, "oldest", queues->now_ms);
        table_json(table, stage, "backoff");
        table_json(table, stage, "dead");
        for (unsigned p = 0; p < PRIORITIES; p++)
            table_json(table, belt, msg_priority_name((enum priority)p));
        table_json(table, stage, "owners");
        if (json_get(stage, "held"))
            snprintf(owned, sizeof owned, "%lld/%lld", (long long)row_int(stage, "held"),
                     (long long)queues->partitions);
        table_text(table, owned);
    }
    table_end(&table, out);
}

static void show_platforms(const struct queues *queues, struct buf *out)
{
    static const char *const headers[] = {"PLATFORM", "ROUTE",        "STATE",  "FOR",
                                          "UNTIL",    "LAST SUCCESS", "REASON", NULL};
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(queues->platforms); i++) {
        const struct json *row = json_at(queues->platforms, i);
        bool closed = strcmp(row_text(row, "state"), "closed") == 0;
        struct buf until = BUF_INIT, success = BUF_INIT;
        if (!closed)
            text_time(&until, json_get_text(row, "until"));
        text_time(&success, json_get_text(row, "last_success"));
        table_json(table, row, "platform");
        table_json(table, row, "route");
        table_json(table, row, "state");
        if (closed)
            table_text(table, NULL);
        else
            add_age(table, row, "since", queues->now_ms);
        table_text(table, until.data);
        table_text(table, success.data);
        table_text(table, closed ? NULL : json_get_text(row, "reason"));
        buf_release(&until);
        buf_release(&success);
    }
    if (json_count(queues->platforms) > 0)
        buf_add_ch(out, '\n');
    table_end(&table, out);
}

static void show_alerts(const struct queues *queues, struct buf *out)
{
    const struct json *first = json_at(queues->alerts, 0);
    int64_t open = json_count(queues->alerts) > 0 ? row_int(first, "open") : 0;
    int64_t shown = (int64_t)json_count(queues->alerts);

    buf_addf(out, "\nalerts: %lld", (long long)open);
    if (open > 0)
        buf_addf(out, " (critical %lld, error %lld, warning %lld)", (long long)row_int(first, "critical"),
                 (long long)row_int(first, "error"), (long long)row_int(first, "warning"));
    buf_add_ch(out, '\n');
    for (int64_t i = 0; i < shown; i++) {
        const struct json *row = json_at(queues->alerts, (size_t)i);
        const char *title = row_text(row, "title");
        buf_addf(out, "  %s, ", row_text(row, "level"));
        text_span(out, text_age_ms(row_text(row, "created_at"), queues->now_ms));
        buf_add_str(out, ": ");
        text_clean(out, title, strlen(title));
        buf_add_ch(out, '\n');
    }
    if (open > shown)
        buf_addf(out, "  and %lld more: GET /sync/alerts\n", (long long)(open - shown));
}

static void show(const struct queues *queues, struct buf *out)
{
    char now[TIMEFMT_LEN + 1];

    timefmt_rfc3339(queues->now_ms, now);
    text_time(out, now);
    buf_addf(out, "  PostgreSQL %s, Redis %s\n\n", stores_postgres_failed(queues->stores) ? "FAILS" : "up",
             stores_redis_failed(queues->stores) ? "FAILS" : "up");
    show_stages(queues, out);
    show_platforms(queues, out);
    if (stores_postgres_failed(queues->stores))
        return;
    show_alerts(queues, out);
    if (queues->parked > 0)
        buf_addf(out, "parked entries of the belt: %s%lld: syncctl dead list\n",
                 queues->parked > PARKED_MAX ? "more than " : "",
                 (long long)(queues->parked > PARKED_MAX ? PARKED_MAX : queues->parked));
}

static struct json *store_json(const char *why)
{
    struct json *store = json_new_object();

    json_set(store, "up", json_new_bool(why == NULL));
    if (why)
        json_set(store, "why", json_new_text(why));
    return store;
}

static void show_json(const struct queues *queues, struct buf *out)
{
    struct json *all = json_new_object();
    char now[TIMEFMT_LEN + 1];

    timefmt_rfc3339(queues->now_ms, now);
    json_set(all, "time", json_new_text(now));
    json_set(all, "postgresql", store_json(stores_postgres_failed(queues->stores)));
    json_set(all, "redis", store_json(stores_redis_failed(queues->stores)));
    json_set(all, "stages", json_ref(queues->stages));
    if (!stores_postgres_failed(queues->stores)) {
        const struct json *first = json_at(queues->alerts, 0);
        json_set(all, "platforms", json_ref(queues->platforms));
        json_set(all, "alerts_open",
                 json_new_int(json_count(queues->alerts) > 0 ? row_int(first, "open") : 0));
        json_set(all, "alerts", json_ref(queues->alerts));
        json_set(all, "parked", json_new_int(queues->parked));
    }
    json_write(out, all);
    buf_add_ch(out, '\n');
    json_free(all);
}

static int run(struct queues *queues, bool as_json)
{
    struct buf out = BUF_INIT;
    int code;

    ask_postgres(queues);
    need_stages(queues);
    ask_redis(queues);
    queues->now_ms = clock_db_ms();
    if (as_json)
        show_json(queues, &out);
    else
        show(queues, &out);
    code = ctl_print(&out);
    return stores_postgres_failed(queues->stores) || stores_redis_failed(queues->stores) ? 1 : code;
}

int ctl_queues(int argc, char **argv)
{
    const struct ctl_option options[] = {{NULL, NULL, false}};
    struct conf conf;
    struct queues queues = {.conf = &conf, .parked = -1};
    bool as_json = false;
    int code = 1;

    argc = ctl_take_flag(argc, argv, "--json", &as_json);
    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    if (ctl_load(&conf))
        return 1;
    queues.partitions = conf.partitions;
    queues.stages = json_new_array();
    queues.platforms = json_new_array();
    queues.alerts = json_new_array();
    if ((queues.stores = stores_open(&conf))) {
        code = run(&queues, as_json);
        stores_close(&queues.stores);
    }
    json_free(queues.stages);
    json_free(queues.platforms);
    json_free(queues.alerts);
    conf_release(&conf);
    return code;
}
