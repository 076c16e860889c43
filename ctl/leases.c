/*
 * leases.c: syncctl leases [--stage S] [--json]: who owns which partition by PostgreSQL, and what the copy in Redis says.
 *
 * A copy that is absent or lower is written by the owner's next heartbeat; a higher one means that Redis has seen a lease that
 * PostgreSQL does not know: it was restored from a backup, or REDIS_URL is that of another service.
 */
#include "clock.h"
#include "mem.h"
#include "row.h"
#include "sql.h"
#include "stages.h"
#include "stores.h"
#include "text.h"

static const struct row_field fields[] = {{"stage", ROW_TEXT}, {"partition", ROW_INT}, {"owner", ROW_TEXT},
                                          {"fence", ROW_INT},  {"until", ROW_TIME},    {"alive", ROW_BOOL},
                                          {NULL, ROW_TEXT}};

static void on_leases(const struct db_result *result, void *arg)
{
    for (size_t row = 0; row < db_rows(result); row++)
        json_append(arg, row_object(result, row, fields));
}

/* Without PostgreSQL: what there may be, for the copies alone. */
struct names {
    const struct conf *conf;
    const char *only;
    struct json *leases;
};

static void add_stage(const char *stage, void *arg)
{
    const struct names *names = arg;

    for (int64_t n = 0; (!names->only || strcmp(names->only, stage) == 0) && n < names->conf->partitions;
         n++) {
        struct json *lease = json_new_object();
        json_set(lease, "stage", json_new_text(stage));
        json_set(lease, "partition", json_new_int(n));
        json_append(names->leases, lease);
    }
}

static const char *judge(const struct json *lease, bool there, int64_t fence)
{
    if (!there)
        return "absent";
    if (!json_get(lease, "fence"))
        return "not compared";
    if (fence == row_int(lease, "fence"))
        return "agrees";
    return fence < row_int(lease, "fence") ? "lower" : "higher";
}

static void on_copy(const struct stream_reply *reply, void *arg)
{
    struct json *lease = arg, *copy = json_new_object();
    bool there = reply_type(reply_at(reply, 0)) != REPLY_NIL;
    int64_t fence = reply_int(reply_at(reply, 0));

    if (there)
        json_set(copy, "fence", json_new_int(fence));
    json_set(copy, "verdict", json_new_text(judge(lease, there, fence)));
    json_set(lease, "redis", copy);
}

static void ask_copies(struct stores *stores, struct json *leases)
{
    char key[MSG_KEY_MAX];

    for (size_t i = 0; i < json_count(leases) && stores_redis_up(stores); i++) {
        struct json *lease = json_at(leases, i);
        struct stream_command *command;
        if (strlen(row_text(lease, "stage")) > MSG_KEY_MAX / 2)
            continue; /* none of ours */
        command = stream_command("HMGET");
        msg_key_owner(key, row_text(lease, "stage"), (unsigned)row_int(lease, "partition"));
        stream_add(command, key);
        stream_add(command, "fence");
        stores_command(stores, command, on_copy, lease);
    }
    stores_wait(stores);
}

/* "agrees", "absent", "lower: 3", "not compared: 3"; "-" when Redis is away. */
static void add_copy(struct table *table, const struct json *lease)
{
    const struct json *copy = json_get(lease, "redis");
    const char *verdict = row_text(copy, "verdict");
    char text[48];

    if (!json_get(copy, "fence") || strcmp(verdict, "agrees") == 0) {
        table_text(table, verdict);
        return;
    }
    snprintf(text, sizeof text, "%s: %lld", verdict, (long long)row_int(copy, "fence"));
    table_text(table, text);
}

static const char *state_of(const struct json *lease)
{
    if (!json_get(lease, "fence"))
        return "not known";
    return row_bool(lease, "alive") ? "alive" : json_get(lease, "owner") ? "lapsed" : "free";
}

static void show(const struct json *leases, struct buf *out)
{
    static const char *const headers[] = {"STAGE", ">PARTITION", "OWNER",         ">FENCE",
                                          "LEASE", "UNTIL",      "COPY IN REDIS", NULL};
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(leases); i++) {
        const struct json *lease = json_at(leases, i);
        struct buf until = BUF_INIT;
        text_time(&until, json_get_text(lease, "until"));
        table_json(table, lease, "stage");
        table_json(table, lease, "partition");
        table_json(table, lease, "owner");
        table_json(table, lease, "fence");
        table_text(table, state_of(lease));
        table_text(table, until.data);
        add_copy(table, lease);
        buf_release(&until);
    }
    table_end(&table, out);
}

static void complain_of_none(const char *stage)
{
    if (stage)
        ctl_fail(
            "there is no stage %s: say router, resolver or worker- and a platform; each is there once its "
            "program has run",
            stage);
    else
        ctl_fail("there are no leases: no router, worker or resolver has run yet");
}

static int run(struct stores *stores, struct conf *conf, const char *stage, bool as_json)
{
    struct json *leases = json_new_array();
    struct names names = {conf, stage, leases};
    struct db_params *params = db_params_new();
    struct buf out = BUF_INIT;
    bool failed;

    db_add_text(params, stage);
    if (stores_ask(stores, DB_READER, sql_ctl_leases, params, on_leases, leases) != 0)
        stages_each(conf, add_stage, &names);
    ask_copies(stores, leases);
    failed = stores_postgres_failed(stores) || stores_redis_failed(stores);
    if (json_count(leases) == 0 && !failed)
        complain_of_none(stage);
    failed |= json_count(leases) == 0;
    if (as_json)
        json_write(&out, leases);
    else
        show(leases, &out);
    buf_add_str(&out, as_json ? "\n" : "");
    json_free(leases);
    return ctl_print(&out) || failed;
}

int ctl_leases(int argc, char **argv)
{
    const char *stage = NULL;
    const struct ctl_option options[] = {{"stage", &stage, false}, {NULL, NULL, false}};
    struct stores *stores;
    struct conf conf;
    bool as_json = false;
    int code = 1;

    argc = ctl_take_flag(argc, argv, "--json", &as_json);
    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    if (ctl_load(&conf))
        return 1;
    if ((stores = stores_open(&conf))) {
        code = run(stores, &conf, stage, as_json);
        stores_close(&stores);
    }
    conf_release(&conf);
    return code;
}
