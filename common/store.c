/*
 * store.c: the way of the database from unknown to usable, for one service; see store.h.
 *
 *   UNMIGRATED ──migrate_run: 0──▶ MIGRATED ──settings read──▶ KNOWN     (up: KNOWN and a connection is there)
 *      │  ▲
 *      │  └── 1: PostgreSQL is away, tried again with back-off; -1: refused, tried again every 30 s, which logs it
 *      └── -1 at the first try: fatal, because who starts a service reads what it says then
 *
 * Nothing goes back: once the tables are ours they stay so while this process runs.
 */
#include "store.h"

#include <event2/event.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "mem.h"
#include "migrate.h"
#include "service.h"
#include "sql.h"

#define ANSWER_MS 10000 /* a statement's time; the server's own limit of 30 s ends what nobody waits for */
#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 5000
#define REFUSED_MS 30000
#define KEY_LEN 32

enum store_state { UNMIGRATED, MIGRATED, KNOWN };
static const char *const state_names[] = {"unmigrated", "migrated", "known"};

struct store_hook {
    struct store_hook *next;
    void (*call)(bool up, void *arg);
    void *arg;
};

struct store {
    struct service *service;
    struct db *db;
    struct event *timer; /* the next try of what the state waits for */
    enum store_state state;
    bool asking; /* the settings are being read */
    bool up;     /* as the hooks know it */
    int64_t retry_ms;
    int64_t partitions;
    uint8_t key[KEY_LEN];
    struct store_hook *hooks;
};

static void try_in(struct store *store, int64_t ms)
{
    struct timeval span = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    evtimer_add(store->timer, &span);
}

static void try_later(struct store *store)
{
    try_in(store, store->retry_ms);
    store->retry_ms = store->retry_ms * 2 < RETRY_MAX_MS ? store->retry_ms * 2 : RETRY_MAX_MS;
}

static void tell_hooks(struct store *store)
{
    bool up = store_up(store);
    if (up == store->up)
        return;
    store->up = up;
    for (struct store_hook *hook = store->hooks; hook; hook = hook->next)
        hook->call(up, hook->arg);
}

static void enter(struct store *store, enum store_state state)
{
    log_debug("store", LOG_STR("from", state_names[store->state]), LOG_STR("to", state_names[state]));
    store->state = state;
    store->retry_ms = RETRY_MIN_MS;
    tell_hooks(store);
}

/* -1: the table lacks one of them. */
static int take_settings(struct store *store, const struct db_result *result)
{
    int name_column = db_column(result, "name"), value_column = db_column(result, "value");
    bool has_partitions = false, has_key = false;
    for (size_t row = 0; row < db_rows(result); row++) {
        size_t len;
        const char *name = db_get_text(result, row, name_column, NULL);
        const char *value = db_get_bytes(result, row, value_column, &len);
        if (!strcmp(name, "partitions")) {
            store->partitions = strtoll(value, NULL, 10);
            has_partitions = true;
        } else if (len == KEY_LEN) {
            memcpy(store->key, value, KEY_LEN);
            has_key = true;
        }
    }
    return has_partitions && has_key ? 0 : -1;
}

static void on_settings(enum db_status status, const struct db_result *result, void *arg)
{
    struct store *store = arg;
    store->asking = false;
    if (status == DB_OK && take_settings(store, result) == 0) {
        evtimer_del(store->timer);
        enter(store, KNOWN);
        return;
    }
    if (status == DB_OK || status == DB_REFUSED)
        log_error("settings cannot be read",
                  LOG_STR("reason",
                          status == DB_OK ? "partitions or fingerprint_key is missing" : db_message(result)));
    try_later(store);
}

static void read_settings(struct store *store)
{
    if (store->asking)
        return;
    store->asking = true;
    db_query(store->db, DB_WRITER, sql_store_settings, NULL, on_settings, store);
}

static void migrate(struct store *store, bool starting)
{
    const struct conf *conf = service_conf(store->service);
    struct buf error = BUF_INIT;
    int status = migrate_run(conf->database_url, conf->partitions, &error);
    if (status == 0) {
        enter(store, MIGRATED);
        try_in(store, 0);
    } else if (status > 0) {
        log_info("database not migrated yet", LOG_STR("reason", error.data));
        try_later(store);
    } else if (starting) {
        fatal("%s", error.data);
    } else {
        log_error("database refused", LOG_STR("reason", error.data));
        try_in(store, REFUSED_MS);
    }
    buf_release(&error);
}

/* migrate_run blocks: where the writer connects by the same URL, its absence says that trying is in vain. A writer's login of
 * its own may be missing because the migration has not made its role yet. */
static bool may_answer(const struct store *store)
{
    return db_up(store->db) || *service_conf(store->service)->database_writer_url;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct store *store = arg;
    if (store->state == UNMIGRATED && may_answer(store))
        migrate(store, false);
    else if (store->state == UNMIGRATED)
        try_later(store);
    else if (store->state == MIGRATED)
        read_settings(store);
}

static void on_db_state(bool up, void *arg)
{
    struct store *store = arg;
    if (up && store->state != KNOWN)
        try_in(store, 0);
    tell_hooks(store);
}

static bool is_ready(void *arg)
{
    return store_up(arg);
}

struct store *store_new(struct service *service)
{
    const struct conf *conf = service_conf(service);
    const struct db_config config = {
        .url = conf->database_url,
        .writer_url = conf->database_writer_url,
        .reader_url = conf->database_reader_url,
        .connections = (unsigned)conf->connection_pool_size,
        .waiting_max = (unsigned)conf->requests_max,
        .timeout_ms = ANSWER_MS,
        .name = service_instance(service),
    };
    struct store *store = mem_alloc(sizeof(*store));
    store->service = service;
    store->retry_ms = RETRY_MIN_MS;
    store->timer = evtimer_new(service_base(service), on_timer, store);
    store->db = db_new(service_base(service), &config);
    db_on_state(store->db, on_db_state, store);
    service_add_check(service, "postgresql", is_ready, store);
    migrate(store, true);
    return store;
}

void store_free(struct store **store)
{
    if (!*store)
        return;
    db_free(&(*store)->db);
    event_free((*store)->timer);
    struct store_hook *hook;
    while ((hook = (*store)->hooks)) {
        (*store)->hooks = hook->next;
        free(hook);
    }
    free(*store);
    *store = NULL;
}

struct db *store_db(struct store *store)
{
    return store->db;
}

bool store_up(const struct store *store)
{
    return store->state == KNOWN && db_up(store->db);
}

void store_on_state(struct store *store, void (*hook)(bool up, void *arg), void *arg)
{
    struct store_hook *entry = mem_alloc(sizeof(*entry));
    entry->call = hook;
    entry->arg = arg;
    struct store_hook **end = &store->hooks;
    while (*end)
        end = &(*end)->next;
    *end = entry;
}

const uint8_t *store_fingerprint_key(const struct store *store)
{
    if (store->state != KNOWN)
        bug("the fingerprint key is asked for before the settings are known");
    return store->key;
}

int64_t store_partitions(const struct store *store)
{
    return store->partitions;
}

void store_read_ref(const struct db_result *result, size_t row, struct ref *ref)
{
    const char *text;

    memset(ref, 0, sizeof *ref);
    db_get_uuid(result, row, db_column(result, "id"), &ref->event);
    db_get_uuid(result, row, db_column(result, "record_id"), &ref->record);
    ref->seq = db_get_int(result, row, db_column(result, "seq"));
    text = db_get_text(result, row, db_column(result, "event_type"), NULL);
    if (msg_event_type(text ? text : "", &ref->type) != 0)
        bug("event type %s in the tables is none of ours",
            text ? text : "null"); /* the gateway stores no other */
    text = db_get_text(result, row, db_column(result, "trace"), NULL);
    snprintf(ref->trace, sizeof ref->trace, "%s", text ? text : "");
    text = db_get_text(result, row, db_column(result, "tenant_id"), NULL);
    snprintf(ref->tenant, sizeof ref->tenant, "%s", text ? text : "");
}
