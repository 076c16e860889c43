/*
 * dead_show.c: syncctl dead show ID: everything about one event, or one parked entry.
 *
 * What the event carried is personal: its fields' names are shown, and the values with --data alone. The beginnings of the
 * platforms' answers are shown as they were kept, because they are why somebody looks.
 */
#include "clock.h"
#include "dead.h"
#include "delivery.h"
#include "mem.h"
#include "platform_conf.h"
#include "row.h"
#include "sql.h"
#include "text.h"
#include "uuid.h"

/* ---- the event as JSON ---- */

static const char *status_of(const struct json *event)
{
    enum event_status status = (enum event_status)row_int(event, "status");

    if (status == EVENT_STATUS_PENDING && row_bool(event, "scheduled"))
        return "scheduled";
    if (status == EVENT_STATUS_ROUTED && row_int(event, "dead_count") > 0)
        return "failed";
    return msg_event_status_name(status);
}

static struct json *event_object(const struct db_result *result, size_t row)
{
    static const struct row_field fields[] = {
        {"event_id", ROW_UUID},    {"client_id", ROW_TEXT},       {"event_type", ROW_TEXT},
        {"tenant_id", ROW_TEXT},   {"source_platform", ROW_TEXT}, {"target_platforms", ROW_TEXT},
        {"entity_type", ROW_TEXT}, {"entity_id", ROW_TEXT},       {"record_id", ROW_UUID},
        {"seq", ROW_INT},          {"version", ROW_INT},          {"partition", ROW_INT},
        {"priority", ROW_INT},     {"status", ROW_INT},           {"scheduled", ROW_BOOL},
        {"dead_count", ROW_INT},   {"error", ROW_TEXT},           {"trace", ROW_TEXT},
        {"accepted_at", ROW_TIME}, {"deliver_at", ROW_TIME},      {"expires_at", ROW_TIME},
        {"ended_at", ROW_TIME},    {"data", ROW_BYTES},           {NULL, ROW_TEXT}};
    struct json *event = row_object(result, row, fields);
    enum priority priority = (enum priority)row_int(event, "priority");

    json_set(event, "status", json_new_text(status_of(event)));
    json_set(event, "priority", json_new_text(priority < PRIORITIES ? msg_priority_name(priority) : "?"));
    json_remove(event, "scheduled");
    json_remove(event, "dead_count");
    json_set(event, "deliveries", json_new_array());
    return event;
}

static struct json *delivery_object(const struct db_result *result, size_t row)
{
    static const struct row_field fields[] = {{"target", ROW_TEXT},
                                              {"named", ROW_BOOL},
                                              {"state", ROW_INT},
                                              {"generation", ROW_INT},
                                              {"attempts", ROW_INT},
                                              {"sendings", ROW_INT},
                                              {"http_status", ROW_INT},
                                              {"delivery_error", ROW_TEXT},
                                              {"delivery_version", ROW_INT},
                                              {"next_attempt_at", ROW_TIME},
                                              {"delivery_ended_at", ROW_TIME},
                                              {"covered_by", ROW_UUID},
                                              {NULL, ROW_TEXT}};
    struct json *delivery = row_object(result, row, fields);

    json_set(delivery, "state",
             json_new_text(msg_delivery_state_name((enum delivery_state)row_int(delivery, "state"))));
    json_set(delivery, "results", json_new_array());
    return delivery;
}

static void on_event(const struct db_result *result, void *arg)
{
    struct json *events = arg;
    struct uuid last = {{0}}, id;

    for (size_t row = 0; row < db_rows(result); row++) {
        db_get_uuid(result, row, db_column(result, "event_id"), &id);
        if (row == 0 || !uuid_equal(&id, &last))
            json_append(events, event_object(result, row));
        last = id;
        if (!db_is_null(result, row, db_column(result, "target")))
            json_append(json_get(json_at(events, json_count(events) - 1), "deliveries"),
                        delivery_object(result, row));
    }
}

static struct json *find_delivery(const struct json *event, const char *target)
{
    const struct json *deliveries = json_get(event, "deliveries");

    for (size_t i = 0; i < json_count(deliveries); i++)
        if (strcmp(row_text(json_at(deliveries, i), "target"), target) == 0)
            return json_at(deliveries, i);
    return NULL;
}

static void on_attempts(const struct db_result *result, void *arg)
{
    static const struct row_field fields[] = {
        {"target", ROW_TEXT},     {"generation", ROW_INT},  {"sending", ROW_INT},  {"at", ROW_TIME},
        {"duration_ms", ROW_INT}, {"http_status", ROW_INT}, {"outcome", ROW_TEXT}, {"costs", ROW_BOOL},
        {"error", ROW_TEXT},      {"excerpt", ROW_BYTES},   {NULL, ROW_TEXT}};

    for (size_t row = 0; row < db_rows(result); row++) {
        struct json *attempt = row_object(result, row, fields), *delivery;
        delivery = find_delivery(arg, row_text(attempt, "target"));
        json_remove(attempt, "target");
        if (delivery)
            json_append(json_get(delivery, "results"), attempt);
        else
            json_free(attempt);
    }
}

static struct json *take_only(const struct json *events, const char *id)
{
    if (json_count(events) == 1)
        return json_ref(json_at(events, 0));
    if (json_count(events) == 0)
        ctl_fail("there is no event %s: it was never accepted, or its day was dropped", id);
    else
        ctl_fail("%s is a client's own id of several tenants; give one of these:", id);
    for (size_t i = 0; i < json_count(events); i++)
        ctl_fail("  %s  tenant %s", row_text(json_at(events, i), "event_id"),
                 row_text(json_at(events, i), "tenant_id"));
    return NULL;
}

struct json *dead_find_event(struct stores *stores, const char *id)
{
    struct json *events = json_new_array(), *event = NULL;
    struct db_params *params = db_params_new();
    struct uuid uuid;

    db_add_uuid(params, uuid_parse(&uuid, id, strlen(id)) == 0 ? &uuid : NULL);
    db_add_text(params, id);
    if (stores_ask(stores, DB_READER, sql_ctl_event, params, on_event, events) == 0)
        event = take_only(events, id);
    json_free(events);
    return event;
}

static int add_attempts(struct stores *stores, struct json *event)
{
    struct db_params *params = db_params_new();
    struct uuid uuid;

    uuid_parse(&uuid, row_text(event, "event_id"), UUID_TEXT_LEN);
    db_add_uuid(params, &uuid);
    return stores_ask(stores, DB_READER, sql_ctl_attempts, params, on_attempts, event);
}

/* The id to ask the platform's people about. The platform files may be elsewhere: then it is left out. */
static void add_webhook_ids(struct conf *conf, struct json *event)
{
    struct buf errors = BUF_INIT;
    struct platform_set *platforms = platform_conf_load(conf, &errors);
    const struct json *deliveries = json_get(event, "deliveries");
    struct delivery_source source = {.platforms = platforms};
    char id[MSG_KEY_MAX];

    uuid_parse(&source.event, row_text(event, "event_id"), UUID_TEXT_LEN);
    for (size_t i = 0; platforms && i < json_count(deliveries); i++) {
        struct json *delivery = json_at(deliveries, i);
        source.target = platform_find(platforms, row_text(delivery, "target"));
        source.generation = (int)row_int(delivery, "generation");
        if (!source.target)
            continue;
        delivery_webhook_id(&source, id);
        json_set(delivery, "webhook_id", json_new_text(id));
    }
    platform_set_free(&platforms);
    buf_release(&errors);
}

/* The data itself, or the names of its fields alone. */
static void show_data(struct json *event, bool values)
{
    const char *text = row_text(event, "data"), *name;
    struct json_iter iter = {NULL};
    struct json *fields = json_new_array(), *value;
    bool ok;
    struct json *data = json_parse(text, strlen(text), JSON_DEPTH_MAX, NULL, &ok);

    while (ok && json_type(data) == JSON_OBJECT && json_next(data, &iter, &name, &value))
        json_append(fields, json_new_text(name));
    json_set(event, "fields", fields);
    if (values && ok)
        json_set(event, "data", data);
    else
        json_remove(event, "data");
    if (!values && ok)
        json_free(data);
}

/* ---- for people ---- */

static void add_line(struct buf *out, const char *indent, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    buf_addf(out, "%s%-12s ", indent, label);
    text_clean(out, text, strlen(text));
    buf_add_ch(out, '\n');
}

static void add_when(struct buf *out, const char *indent, const char *label, const char *rfc3339)
{
    int64_t age_ms = text_age_ms(rfc3339, clock_db_ms());
    struct buf text = BUF_INIT;

    if (rfc3339) {
        text_time(&text, rfc3339);
        buf_add_str(&text, age_ms > 0 ? ", " : "");
        if (age_ms > 0)
            text_span(&text, age_ms);
        buf_add_str(&text, age_ms > 0 ? " ago" : "");
    }
    add_line(out, indent, label, text.data);
    buf_release(&text);
}

static void add_attempt(struct buf *out, const struct json *attempt)
{
    const char *excerpt = row_text(attempt, "excerpt"), *error = row_text(attempt, "error");
    int64_t generation = row_int(attempt, "generation"), http = row_int(attempt, "http_status");

    buf_add_str(out, "    ");
    text_time(out, json_get_text(attempt, "at"));
    buf_addf(out, "  sending %lld", (long long)row_int(attempt, "sending"));
    if (generation > 1)
        buf_addf(out, " of generation %lld", (long long)generation);
    buf_addf(out, "  %lld ms  ", (long long)row_int(attempt, "duration_ms"));
    if (http > 0)
        buf_addf(out, "HTTP %lld  ", (long long)http);
    buf_addf(out, "%s%s", row_text(attempt, "outcome"),
             row_bool(attempt, "costs") ? "" : " (costs no attempt)");
    buf_add_str(out, *error ? "  " : "");
    text_clean(out, error, strlen(error));
    buf_add_ch(out, '\n');
    add_line(out, "      ", "answer", excerpt);
}

static void add_delivery(struct buf *out, const struct json *delivery)
{
    const struct json *results = json_get(delivery, "results");

    buf_add_ch(out, '\n');
    text_clean(out, row_text(delivery, "target"), strlen(row_text(delivery, "target")));
    buf_addf(out, ": %s, sent %lld times (%lld attempts)%s\n", row_text(delivery, "state"),
             (long long)row_int(delivery, "sendings"), (long long)row_int(delivery, "attempts"),
             row_bool(delivery, "named") ? "" : ", not named by the event");
    add_line(out, "  ", "reason", row_text(delivery, "delivery_error"));
    add_line(out, "  ", "webhook-id", row_text(delivery, "webhook_id"));
    add_when(out, "  ", "ended", json_get_text(delivery, "delivery_ended_at"));
    add_when(out, "  ", "next attempt", json_get_text(delivery, "next_attempt_at"));
    add_line(out, "  ", "covered by", row_text(delivery, "covered_by"));
    for (size_t i = 0; i < json_count(results); i++)
        add_attempt(out, json_at(results, i));
}

static void add_fields(struct buf *out, const struct json *event)
{
    const struct json *fields = json_get(event, "fields"), *data = json_get(event, "data");
    struct buf line = BUF_INIT;

    for (size_t i = 0; i < json_count(fields); i++)
        buf_addf(&line, "%s%s", i ? ", " : "", json_text(json_at(fields, i), NULL));
    add_line(out, "  ", "fields", line.data);
    buf_reset(&line);
    if (data)
        json_write(&line, data);
    else
        buf_add_str(&line, "not shown: --data");
    add_line(out, "  ", "data", line.data);
    buf_release(&line);
}

static void show_event(const struct json *event, struct buf *out)
{
    static const char *const members[][2] = {
        {"status", "status"},        {"tenant", "tenant_id"},    {"type", "event_type"},
        {"from", "source_platform"}, {"to", "target_platforms"}, {"entity", "entity_id"},
        {"record", "record_id"},     {"own id", "client_id"},    {"priority", "priority"},
        {"trace", "trace"},          {"refused", "error"}};
    const struct json *deliveries = json_get(event, "deliveries");

    buf_addf(out, "event %s\n", row_text(event, "event_id"));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        add_line(out, "  ", members[i][0], row_text(event, members[i][1]));
    add_when(out, "  ", "accepted", json_get_text(event, "accepted_at"));
    add_when(out, "  ", "due", json_get_text(event, "deliver_at"));
    add_when(out, "  ", "expires", json_get_text(event, "expires_at"));
    add_when(out, "  ", "ended", json_get_text(event, "ended_at"));
    buf_addf(out, "  %-12s seq %lld, version %lld, partition %lld\n", "order",
             (long long)row_int(event, "seq"), (long long)row_int(event, "version"),
             (long long)row_int(event, "partition"));
    add_fields(out, event);
    for (size_t i = 0; i < json_count(deliveries); i++)
        add_delivery(out, json_at(deliveries, i));
}

static void show_parked(const struct json *parked, struct buf *out)
{
    const char *line = row_text(parked, "entry");

    buf_addf(out, "%s\n", row_text(parked, "id"));
    add_line(out, "  ", "reason", row_text(parked, "reason"));
    add_line(out, "  ", "stream", row_text(parked, "stream"));
    add_line(out, "  ", "entry", row_text(parked, "entry_id"));
    add_line(out, "  ", "found by", row_text(parked, "stage"));
    add_when(out, "  ", "parked", json_get_text(parked, "at"));
    buf_add_str(out, "\nthe entry, its field names and values in turn:\n");
    for (size_t len; *line; line += len + (line[len] == '\n')) {
        len = strcspn(line, "\n");
        buf_add_str(out, "  ");
        text_clean(out, line, len);
        buf_add_ch(out, '\n');
    }
}

static int print(struct json *shown, void (*show)(const struct json *, struct buf *), bool as_json)
{
    struct buf out = BUF_INIT;

    if (as_json)
        json_write(&out, shown);
    else
        show(shown, &out);
    buf_add_str(&out, as_json ? "\n" : "");
    json_free(shown);
    return ctl_print(&out);
}

/* ---- the command ---- */

static int run_parked(struct stores *stores, const char *id, bool as_json)
{
    struct json *rows = json_new_array(), *parked = NULL;
    int code = 1;

    if (dead_parked_read(stores, dead_parked_number(id), NULL, 0, 1, rows) == 0) {
        parked = json_count(rows) > 0 ? json_ref(json_at(rows, 0)) : NULL;
        code = parked ? print(parked, show_parked, as_json)
                      : ctl_fail("there is no %s; see syncctl dead list", id);
    }
    json_free(rows);
    return code;
}

static int run_event(struct stores *stores, struct conf *conf, const char *id, bool values, bool as_json)
{
    struct json *event = dead_find_event(stores, id);

    if (!event)
        return 1;
    if (add_attempts(stores, event) != 0) {
        json_free(event);
        return 1;
    }
    add_webhook_ids(conf, event);
    show_data(event, values);
    return print(event, show_event, as_json);
}

int dead_show(int argc, char **argv)
{
    const struct ctl_option options[] = {{NULL, NULL, false}};
    bool as_json = false, values = false;
    struct stores *stores;
    struct conf conf;
    const char *id;
    int code = 1;

    argc = ctl_take_flag(argc, argv, "--json", &as_json);
    argc = ctl_take_flag(argc, argv, "--data", &values);
    id = dead_take_id(&argc, &argv);
    if (ctl_read_options(options, argc, argv))
        return CTL_USAGE;
    if (!id) {
        ctl_fail("dead show needs an ID, as dead list prints them");
        return CTL_USAGE;
    }
    if (ctl_load(&conf))
        return 1;
    if ((stores = stores_open(&conf))) {
        code = dead_parked_number(id) > 0 ? run_parked(stores, id, as_json)
                                          : run_event(stores, &conf, id, values, as_json);
        stores_close(&stores);
    }
    conf_release(&conf);
    return code;
}
