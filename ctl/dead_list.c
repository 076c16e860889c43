/* dead_list.c: syncctl dead list: dead deliveries and parked entries, newest first. */
#include "dead.h"
#include "mem.h"
#include "row.h"
#include "sql.h"
#include "text.h"

#define LIMIT_MAX 10000
#define REASON_SHOWN 160 /* bytes; dead show gives it whole */

struct listing {
    struct stores *stores;
    const char *tenant, *platform;
    int64_t since_ms, limit;
    struct json *deliveries, *parked;
};

static void on_dead(const struct db_result *result, void *arg)
{
    static const struct row_field fields[] = {
        {"event_id", ROW_UUID},  {"target", ROW_TEXT},      {"event_type", ROW_TEXT}, {"entity_id", ROW_TEXT},
        {"tenant_id", ROW_TEXT}, {"accepted_at", ROW_TIME}, {"died_at", ROW_TIME},    {"attempts", ROW_INT},
        {"sendings", ROW_INT},   {"http_status", ROW_INT},  {"reason", ROW_TEXT},     {NULL, ROW_TEXT}};
    struct listing *listing = arg;

    for (size_t row = 0; row < db_rows(result); row++)
        json_append(listing->deliveries, row_object(result, row, fields));
}

static int read_dead(struct listing *listing)
{
    struct db_params *params = db_params_new();
    struct uuid lowest, highest;

    uuid_v7_floor(&lowest, listing->since_ms);
    memset(highest.bytes, 0xff, sizeof highest.bytes);
    if (listing->since_ms == 0)
        memset(lowest.bytes, 0, sizeof lowest.bytes);
    db_add_text(params, listing->tenant);
    db_add_text(params, listing->platform);
    db_add_uuid(params, &lowest);
    db_add_uuid(params, &highest);
    db_add_int(params, listing->limit);
    if (stores_ask(listing->stores, DB_READER, sql_ctl_dead_list, params, on_dead, listing) != 0)
        return -1;
    if (listing->tenant)
        return 0; /* whose a parked entry is, nobody can tell */
    return dead_parked_read(listing->stores, 0, listing->platform, listing->since_ms, listing->limit,
                            listing->parked);
}

/* ---- what is shown ---- */

static void add_time(struct table *table, const struct json *row, const char *member)
{
    struct buf text = BUF_INIT;

    text_time(&text, json_get_text(row, member));
    table_text(table, text.data);
    buf_release(&text);
}

static void add_reason(struct table *table, const struct json *row)
{
    const char *reason = row_text(row, "reason");
    size_t len = strlen(reason);
    struct buf text = BUF_INIT;

    if (len > REASON_SHOWN) {
        len = REASON_SHOWN;
        while (len > 0 && ((unsigned char)reason[len] & 0xc0) == 0x80)
            len--;
    }
    buf_add(&text, reason, len);
    buf_add_str(&text, reason[len] ? "..." : "");
    table_text(table, text.data);
    buf_release(&text);
}

static void show_deliveries(const struct listing *listing, struct buf *out)
{
    static const char *const headers[] = {"EVENT",    "TARGET", "TENANT", "TYPE",   "ENTITY",
                                          "ACCEPTED", "DIED",   ">SENT",  "REASON", NULL};
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(listing->deliveries); i++) {
        const struct json *row = json_at(listing->deliveries, i);
        table_json(table, row, "event_id");
        table_json(table, row, "target");
        table_json(table, row, "tenant_id");
        table_json(table, row, "event_type");
        table_json(table, row, "entity_id");
        add_time(table, row, "accepted_at");
        add_time(table, row, "died_at");
        table_json(table, row, "sendings");
        add_reason(table, row);
    }
    table_end(&table, out);
}

static void show_parked(const struct listing *listing, struct buf *out)
{
    static const char *const headers[] = {"PARKED", "STAGE", "STREAM", "ENTRY", "WHEN", "REASON", NULL};
    struct table *table = table_new(headers);

    for (size_t i = 0; i < json_count(listing->parked); i++) {
        const struct json *row = json_at(listing->parked, i);
        table_json(table, row, "id");
        table_json(table, row, "stage");
        table_json(table, row, "stream");
        table_json(table, row, "entry_id");
        add_time(table, row, "at");
        add_reason(table, row);
    }
    if (json_count(listing->deliveries) > 0 && json_count(listing->parked) > 0)
        buf_add_ch(out, '\n');
    table_end(&table, out);
}

static void show(const struct listing *listing, struct buf *out)
{
    size_t dead = json_count(listing->deliveries), parked = json_count(listing->parked);

    show_deliveries(listing, out);
    show_parked(listing, out);
    if (dead == 0 && parked == 0)
        buf_add_str(out, "nothing is dead\n");
    if ((int64_t)dead == listing->limit || (int64_t)parked == listing->limit)
        buf_addf(out, "\nthe newest %lld; there may be more: --limit\n", (long long)listing->limit);
}

static void show_json(const struct listing *listing, struct buf *out)
{
    struct json *all = json_new_object();

    json_set(all, "deliveries", json_ref(listing->deliveries));
    json_set(all, "parked", json_ref(listing->parked));
    json_write(out, all);
    buf_add_ch(out, '\n');
    json_free(all);
}

static int run(struct listing *listing, bool as_json)
{
    struct buf out = BUF_INIT;

    if (read_dead(listing) != 0)
        return 1;
    if (as_json)
        show_json(listing, &out);
    else
        show(listing, &out);
    return ctl_print(&out);
}

int dead_list(int argc, char **argv)
{
    const char *since = NULL, *limit = "50";
    struct listing listing = {.tenant = NULL};
    const struct ctl_option options[] = {{"tenant", &listing.tenant, false},
                                         {"platform", &listing.platform, false},
                                         {"since", &since, false},
                                         {"limit", &limit, false},
                                         {NULL, NULL, false}};
    struct conf conf;
    bool as_json = false;
    int code = 1;

    argc = ctl_take_flag(argc, argv, "--json", &as_json);
    if (ctl_read_options(options, argc, argv) || dead_read_since(since, &listing.since_ms) ||
        dead_read_number("limit", limit, LIMIT_MAX, &listing.limit))
        return CTL_USAGE;
    listing.tenant = dead_tenant(listing.tenant);
    if (ctl_load(&conf))
        return 1;
    listing.deliveries = json_new_array();
    listing.parked = json_new_array();
    if ((listing.stores = stores_open(&conf))) {
        code = run(&listing, as_json);
        stores_close(&listing.stores);
    }
    json_free(listing.deliveries);
    json_free(listing.parked);
    conf_release(&conf);
    return code;
}
