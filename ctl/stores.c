/*
 * stores.c: see stores.h. The loop runs only while something is waited for; each store's first failure is its reason, and the
 * rest of what is asked of it then fails without further words.
 */
#include "stores.h"

#include <event2/event.h>

#include "auth.h"
#include "clock.h"
#include "db_session.h"
#include "mem.h"

#define REDIS_WAIT_MS 2000
#define REDIS_TIMEOUT_MS 5000
#define DATABASE_TIMEOUT_MS 30000
#define WAITING_MAX 50000

struct stores {
    const struct conf *conf;
    struct event_base *base;
    struct db *db;
    struct stream *redis;
    unsigned waiting; /* sent and not answered */
    bool failed;      /* since the last stores_wait */
    bool redis_asked; /* it was waited for */
    struct buf postgres_why, redis_why;
};

struct question {
    struct stores *stores;
    stores_rows_cb rows;
    stream_cb reply;
    void *arg;
};

/* 0, or the exit code after a sentence, which never quotes the URL: a password may stand in it. */
static int check_urls(const struct conf *conf)
{
    const struct {
        const char *name, *url;
    } databases[] = {{"DATABASE_URL", conf->database_url},
                     {"DATABASE_WRITER_URL", conf->database_writer_url},
                     {"DATABASE_READER_URL", conf->database_reader_url}};
    const char *why = NULL;

    for (size_t i = 0; i < sizeof databases / sizeof *databases; i++)
        if (*databases[i].url && !db_url_valid(databases[i].url))
            return ctl_fail("%s cannot be read: write it as postgresql://user:password@host:5432/database",
                            databases[i].name);
    return stream_check_url(conf->redis_url, &why) ? ctl_fail("REDIS_URL: %s", why) : 0;
}

struct stores *stores_open(const struct conf *conf)
{
    struct stores *stores;

    if (check_urls(conf))
        return NULL;
    stores = mem_alloc(sizeof *stores);
    /* What these modules log when all is well is not for people who typed a command. */
    log_set_level(LOG_LEVEL_WARN);
    stores->conf = conf;
    buf_init(&stores->postgres_why);
    buf_init(&stores->redis_why);
    stores->base = event_base_new();
    stores->db = db_new(stores->base, &(struct db_config){.url = conf->database_url,
                                                          .writer_url = conf->database_writer_url,
                                                          .reader_url = conf->database_reader_url,
                                                          .connections = 1,
                                                          .waiting_max = WAITING_MAX,
                                                          .timeout_ms = DATABASE_TIMEOUT_MS,
                                                          .name = "syncctl"});
    stores->redis = stream_new(stores->base, &(struct stream_config){.url = conf->redis_url,
                                                                     .name = "syncctl",
                                                                     .timeout_ms = REDIS_TIMEOUT_MS,
                                                                     .waiting_max = WAITING_MAX});
    return stores;
}

void stores_close(struct stores **storesp)
{
    struct stores *stores = *storesp;

    db_free(&stores->db);
    stream_free(&stores->redis);
    event_base_free(stores->base);
    buf_release(&stores->postgres_why);
    buf_release(&stores->redis_why);
    free(stores);
    *storesp = NULL;
}

/* ---- what goes wrong ---- */

static void fail_postgres(struct stores *stores, const char *why)
{
    stores->failed = true;
    if (stores->postgres_why.len > 0)
        return;
    buf_add_str(&stores->postgres_why, why);
    ctl_fail("%s", why);
}

static void fail_redis(struct stores *stores, const char *why)
{
    stores->failed = true;
    if (stores->redis_why.len > 0)
        return;
    buf_add_str(&stores->redis_why, why);
    ctl_fail("%s", why);
}

/* A blocking connection says why there is none. */
static void explain_away(struct stores *stores)
{
    struct buf why = BUF_INIT;
    struct db_session *session = db_session_open(stores->conf->database_url, "syncctl", &why);

    if (session)
        buf_add_str(&why, "PostgreSQL does not answer in time: try again, or look at its load and its log");
    db_session_close(&session);
    fail_postgres(stores, why.data);
    buf_release(&why);
}

static void explain_refusal(struct stores *stores, const struct db_result *result)
{
    static const char *const absent[] = {"42P01", "42703", "42883"}; /* table, column, function */
    struct buf why = BUF_INIT;

    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (strcmp(db_sqlstate(result), absent[i]) == 0)
            buf_add_str(&why, "the database is not of this release: run syncctl migrate; ");
    buf_addf(&why, "PostgreSQL refuses: %s (%s)", db_message(result), db_sqlstate(result));
    fail_postgres(stores, why.data);
    buf_release(&why);
}

/* ---- PostgreSQL ---- */

static void on_rows(enum db_status status, const struct db_result *result, void *arg)
{
    struct question question = *(struct question *)arg;
    struct stores *stores = question.stores;

    free(arg);
    stores->waiting--;
    if (status == DB_OK)
        question.rows(result, question.arg);
    else if (status == DB_REFUSED)
        explain_refusal(stores, result);
    else if (status == DB_AWAY)
        explain_away(stores);
    else
        fail_postgres(stores, "PostgreSQL went away, or took too long, while it was asked: nobody can know "
                              "whether it did it; the same command again does the rest");
}

void stores_send(struct stores *stores, enum db_role role, const char *sql, struct db_params *params,
                 stores_rows_cb rows, void *arg)
{
    struct question *question = mem_alloc(sizeof *question);

    *question = (struct question){.stores = stores, .rows = rows, .arg = arg};
    stores->waiting++;
    if (role == DB_READER)
        db_query_tenant(stores->db, AUTH_ALL_TENANTS, sql, params, on_rows, question);
    else
        db_query(stores->db, role, sql, params, on_rows, question);
}

int stores_wait(struct stores *stores)
{
    bool failed;

    while (stores->waiting > 0)
        event_base_loop(stores->base, EVLOOP_ONCE);
    failed = stores->failed;
    stores->failed = false;
    return failed ? -1 : 0;
}

int stores_ask(struct stores *stores, enum db_role role, const char *sql, struct db_params *params,
               stores_rows_cb rows, void *arg)
{
    stores_send(stores, role, sql, params, rows, arg);
    return stores_wait(stores);
}

const char *stores_postgres_failed(const struct stores *stores)
{
    return stores->postgres_why.len > 0 ? stores->postgres_why.data : NULL;
}

/* ---- Redis ---- */

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg; /* the loop turns, that is all */
}

bool stores_redis_up(struct stores *stores)
{
    const struct timeval turn = {0, 20000};
    int64_t end_ms = clock_mono_ms() + REDIS_WAIT_MS;
    struct event *timer;

    if (stores->redis_asked || stream_up(stores->redis))
        return stream_up(stores->redis);
    stores->redis_asked = true;
    timer = event_new(stores->base, -1, EV_PERSIST, on_time, NULL);
    event_add(timer, &turn);
    while (!stream_up(stores->redis) && clock_mono_ms() < end_ms)
        event_base_loop(stores->base, EVLOOP_ONCE);
    event_free(timer);
    if (!stream_up(stores->redis)) {
        fail_redis(stores, "Redis cannot be reached: look at REDIS_URL, and whether it runs");
        stores->failed = false; /* of a wait, not of what was sent */
    }
    return stream_up(stores->redis);
}

static void on_reply(const struct stream_reply *reply, void *arg)
{
    struct question question = *(struct question *)arg;
    struct buf why = BUF_INIT;

    free(arg);
    question.stores->waiting--;
    if (!reply) {
        fail_redis(question.stores, "Redis went away, or took too long, while it was asked");
    } else if (reply_is_error(reply, NULL)) {
        buf_addf(&why, "Redis refuses: %s", reply_text(reply, NULL));
        fail_redis(question.stores, why.data);
        buf_release(&why);
    } else if (question.reply) {
        question.reply(reply, question.arg);
    }
}

void stores_command(struct stores *stores, struct stream_command *command, stream_cb callback, void *arg)
{
    struct question *question = mem_alloc(sizeof *question);

    *question = (struct question){.stores = stores, .reply = callback, .arg = arg};
    stores->waiting++;
    stream_send(stores->redis, command, on_reply, question);
}

static void on_published(enum belt_result result, int64_t added, void *arg)
{
    struct stores *stores = arg;

    (void)added;
    stores->waiting--;
    if (result != BELT_OK)
        fail_redis(stores, "Redis does not take what is published");
}

void stores_publish(struct stores *stores, struct belt_call *call)
{
    stores->waiting++;
    belt_send(stores->redis, call, "", 0, on_published, stores);
}

const char *stores_redis_failed(const struct stores *stores)
{
    return stores->redis_why.len > 0 ? stores->redis_why.data : NULL;
}
