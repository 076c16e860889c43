/*
 * postgres.h: what tests against a real PostgreSQL share: the loop with a deadline, statements one by one, and a proxy whose
 * connections can be stalled, cut and refused, so that faults need no power over the server.
 */
#pragma once
#include <arpa/inet.h>
#include <check.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "log.h"
#include "mem.h"

#define DEADLINE_MS 20000

static struct event_base *base;

static inline const char *server_url(void)
{
    const char *url = getenv("TEST_DATABASE_URL");
    ck_assert_msg(url && *url, "TEST_DATABASE_URL must name a PostgreSQL whose login is a superuser");
    return url;
}

static inline void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

/* Runs the loop until *flag reaches `value`. */
static inline void run_until(const unsigned *flag, unsigned value, const char *what)
{
    struct timeval tick = {0, 20000};
    struct event *timer = event_new(base, -1, EV_PERSIST, on_tick, NULL);
    event_add(timer, &tick);
    int64_t end = clock_mono_ms() + DEADLINE_MS;
    while (*flag < value && clock_mono_ms() < end)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(timer);
    ck_assert_msg(*flag >= value, "waited in vain for: %s (%u of %u)", what, *flag, value);
}

static inline void run_for_ms(int ms)
{
    struct timeval span = {ms / 1000, ms % 1000 * 1000};
    event_base_loopexit(base, &span);
    event_base_dispatch(base);
}

static inline struct db *open_db(const char *url, unsigned connections, unsigned waiting_max, int64_t timeout_ms)
{
    struct db_config config = {.url = url, .writer_url = "", .reader_url = "", .connections = connections,
                               .waiting_max = waiting_max, .timeout_ms = timeout_ms, .name = "unit-test"};
    return db_new(base, &config);
}

/* The last answer's first value as text or number; counts per status. */
struct answers {
    unsigned total;
    unsigned by_status[4];
    enum db_status last;
    char sqlstate[6];
    char text[256];
    size_t rows;
};

static inline void on_answer(enum db_status status, const struct db_result *result, void *arg)
{
    struct answers *answers = arg;
    answers->total++;
    answers->by_status[status]++;
    answers->last = status;
    answers->sqlstate[0] = answers->text[0] = '\0';
    if (status == DB_REFUSED) {
        snprintf(answers->sqlstate, sizeof(answers->sqlstate), "%s", db_sqlstate(result));
        snprintf(answers->text, sizeof(answers->text), "%s", db_message(result));
    }
    answers->rows = status == DB_OK ? db_rows(result) : 0;
}

static inline void on_text(enum db_status status, const struct db_result *result, void *arg)
{
    struct answers *answers = arg;
    on_answer(status, result, arg);
    if (status == DB_OK && db_rows(result) && !db_is_null(result, 0, 0))
        snprintf(answers->text, sizeof(answers->text), "%s", db_get_text(result, 0, 0, NULL));
}

/* One statement to its end; its first value must be text (or there is none). */
static inline struct answers ask(struct db *db, enum db_role role, const char *sql, struct db_params *params)
{
    struct answers answers = {0};
    db_query(db, role, sql, params, on_text, &answers);
    ck_assert_uint_eq(answers.total, 0);
    run_until(&answers.total, 1, sql);
    return answers;
}

static inline struct answers ask_ok(struct db *db, enum db_role role, const char *sql, struct db_params *params)
{
    struct answers answers = ask(db, role, sql, params);
    ck_assert_msg(answers.last == DB_OK, "%s: status %d %s %s", sql, (int)answers.last, answers.sqlstate, answers.text);
    return answers;
}

/* The proxy. */
struct proxy {
    struct evconnlistener *listener;
    struct sockaddr_in target;
    int port;
    bool stalled;
    unsigned accepted;
    unsigned count;
    struct bufferevent *sides[64]; /* client, server, client, server … */
};

static inline void proxy_pump(struct bufferevent *from, void *arg)
{
    bufferevent_write_buffer(arg, bufferevent_get_input(from));
}

static inline void proxy_cut(struct proxy *proxy)
{
    for (unsigned i = 0; i < proxy->count; i++)
        bufferevent_free(proxy->sides[i]);
    proxy->count = 0;
}

static inline void proxy_stall(struct proxy *proxy, bool stalled)
{
    proxy->stalled = stalled;
    for (unsigned i = 0; i < proxy->count; i++)
        (stalled ? bufferevent_disable : bufferevent_enable)(proxy->sides[i], EV_READ);
}

static inline void proxy_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len,
                                void *arg)
{
    (void)listener, (void)from, (void)len;
    struct proxy *proxy = arg;
    ck_assert_uint_lt(proxy->count, 64);
    struct bufferevent *client = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    struct bufferevent *server = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(client, proxy_pump, NULL, NULL, server);
    bufferevent_setcb(server, proxy_pump, NULL, NULL, client);
    bufferevent_socket_connect(server, (struct sockaddr *)&proxy->target, sizeof(proxy->target));
    proxy->sides[proxy->count++] = client;
    proxy->sides[proxy->count++] = server;
    proxy->accepted++;
    if (!proxy->stalled) {
        bufferevent_enable(client, EV_READ);
        bufferevent_enable(server, EV_READ);
    }
}

static inline void proxy_listen(struct proxy *proxy)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)proxy->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    proxy->listener = evconnlistener_new_bind(base, proxy_accept, proxy, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
                                              (struct sockaddr *)&address, sizeof(address));
    ck_assert_msg(proxy->listener != NULL, "cannot listen on 127.0.0.1:%d", proxy->port);
    socklen_t len = sizeof(address);
    getsockname(evconnlistener_get_fd(proxy->listener), (struct sockaddr *)&address, &len);
    proxy->port = ntohs(address.sin_port);
}

static inline void proxy_refuse(struct proxy *proxy)
{
    evconnlistener_free(proxy->listener);
    proxy->listener = NULL;
    proxy_cut(proxy);
}

/* Writes the URL that leads through the proxy. */
static inline void proxy_start(struct proxy *proxy, char *url, size_t size)
{
    const char *real = server_url();
    const char *host = strrchr(real, '@');
    host = host ? host + 1 : strstr(real, "//") + 2;
    char name[64] = "";
    unsigned port = 5432;
    ck_assert_msg(sscanf(host, "%63[^:/?]:%u", name, &port) >= 1, "TEST_DATABASE_URL needs a host and a port");
    proxy->target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, name, &proxy->target.sin_addr) != 1)
        proxy->target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    proxy_listen(proxy);
    snprintf(url, size, "%s%chost=127.0.0.1&port=%d", real, strchr(real, '?') ? '&' : '?', proxy->port);
}

/* The roles that the migrations make, and the table that tests of statements write to. */
static inline void make_roles(struct db *db)
{
    ask_ok(db, DB_OWNER,
           "do $$ begin"
           "  perform pg_advisory_xact_lock(20260101);"
           "  if not exists (select from pg_roles where rolname = 'sync_writer') then create role sync_writer; end if;"
           "  if not exists (select from pg_roles where rolname = 'sync_reader') then create role sync_reader; end if;"
           "end $$",
           NULL);
}

static inline void make_table(struct db *db, const char *table)
{
    char sql[256];
    make_roles(db);
    snprintf(sql, sizeof(sql), "drop table if exists %s", table);
    ask_ok(db, DB_OWNER, sql, NULL);
    snprintf(sql, sizeof(sql),
             "create table %s (id uuid, number int8, body text, twin int8 unique deferrable initially deferred)", table);
    ask_ok(db, DB_OWNER, sql, NULL);
    snprintf(sql, sizeof(sql), "grant select, insert on %s to sync_writer, sync_reader", table);
    ask_ok(db, DB_OWNER, sql, NULL);
}

static inline void open_log(const char *program)
{
    const char *level = getenv("LOG_LEVEL");
    signal(SIGPIPE, SIG_IGN);
    log_open(program, level && !strcmp(level, "debug") ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
}

static inline int run_suite(const char *name, TCase **tcases, size_t count)
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++)
        suite_add_tcase(suite, tcases[i]);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
