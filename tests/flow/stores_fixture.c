/*
 * stores_fixture.c: see stores_fixture.h. Each process has a connection to PostgreSQL of its own, kept from statement to statement:
 * what waits for a condition asks many times a second, and to log in costs ten times a statement.
 */
#include "stores_fixture.h"

#include <check.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"
#include "pick_fixture.h"
#include "stack_fixture.h"

static const char *formatted(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
static const char *formatted(const char *format, va_list args)
{
    struct buf text = BUF_INIT;

    buf_vaddf(&text, format, args);
    return pick_keep(buf_detach(&text, NULL));
}

/* ── PostgreSQL ── */

/* The superuser of DATABASE_ADMIN_URL on the database of DATABASE_URL. */
static PGconn *connect_database(void)
{
    const char *admin = stack_setting("DATABASE_ADMIN_URL"), *own = stack_setting("DATABASE_URL");
    struct buf url = BUF_INIT;

    buf_add(&url, admin, (size_t)(strrchr(admin, '/') - admin));
    buf_add_str(&url, strrchr(own, '/'));
    PGconn *conn = PQconnectdb(url.data);
    buf_release(&url);
    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "PostgreSQL: %s", PQerrorMessage(conn));
    return conn;
}

static struct {
    PGconn *conn;
    pid_t owner;
    char stack[512];
} kept;

/* One that another process began is left to it: to end it properly would end the other's session. */
static void let_go(void)
{
    if (kept.conn && kept.owner == getpid())
        PQfinish(kept.conn);
    else if (kept.conn)
        close(PQsocket(kept.conn));
    kept.conn = NULL;
}

static PGconn *connection(void)
{
    if (kept.conn && kept.owner == getpid() && strcmp(kept.stack, stack_dir()) == 0 &&
        PQtransactionStatus(kept.conn) == PQTRANS_IDLE)
        return kept.conn;
    let_go();
    kept.conn = connect_database();
    kept.owner = getpid();
    snprintf(kept.stack, sizeof kept.stack, "%s", stack_dir());
    return kept.conn;
}

/* Once more on a new connection when the server has ended the kept one since. */
static PGresult *execute(const char *sql)
{
    bool fresh = !kept.conn || kept.owner != getpid();
    PGresult *result = PQexec(connection(), sql);

    if (fresh || PQstatus(kept.conn) == CONNECTION_OK)
        return result;
    PQclear(result);
    return PQexec(connection(), sql);
}

static bool was_deadlock(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return sqlstate && strcmp(sqlstate, "40P01") == 0;
}

/* A change of a table meets what the programs are doing with it: who is chosen as the victim of a deadlock tries again. */
static const char *run(const char *sql)
{
    PGresult *result = execute(sql);
    ExecStatusType status;
    const char *value = NULL;

    for (int tries = 0; was_deadlock(result) && tries < 5; tries++) {
        PQclear(result);
        result = execute(sql);
    }
    status = PQresultStatus(result);

    ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", sql,
                  PQerrorMessage(kept.conn));
    if (PQntuples(result) > 0 && PQnfields(result) > 0 && !PQgetisnull(result, 0, 0))
        value = pick_keep(mem_strdup(PQgetvalue(result, 0, 0)));
    PQclear(result);
    return value;
}

const char *sql_text(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *sql = formatted(format, args);
    va_end(args);
    return run(sql);
}

int64_t sql_int(const char *format, ...)
{
    va_list args;
    char *end;

    va_start(args, format);
    const char *sql = formatted(format, args), *value;
    va_end(args);
    value = run(sql);
    ck_assert_msg(value && *value, "%s: answers nothing", sql);
    int64_t number = strtoll(value, &end, 10);
    ck_assert_msg(!*end, "%s: answers %s, no whole number", sql, value);
    return number;
}

void sql_do(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *sql = formatted(format, args);
    va_end(args);
    run(sql);
}

bool sql_try(const char *format, ...)
{
    va_list args;
    const char *admin = stack_setting("DATABASE_ADMIN_URL");
    PGconn *conn = PQconnectdb(admin);

    va_start(args, format);
    PGresult *result = PQexec(conn, formatted(format, args));
    va_end(args);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    PQfinish(conn);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* ── Redis ── */

/* redis://user:password@host:port/db, as tools/stack writes it. */
static redisContext *connect_redis(void)
{
    char user[64], password[128], host[64];
    int port = 0, db = 0;
    redisContext *redis;

    ck_assert_int_eq(sscanf(stack_setting("REDIS_URL"), "redis://%63[^:]:%127[^@]@%63[^:]:%d/%d", user,
                            password, host, &port, &db),
                     5);
    redis = redisConnect(host, port);
    ck_assert_msg(redis && !redis->err, "Redis: %s", redis ? redis->errstr : "no memory");
    freeReplyObject(redisCommand(redis, "AUTH %s %s", user, password));
    freeReplyObject(redisCommand(redis, "SELECT %d", db));
    return redis;
}

static void render(struct buf *out, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_NIL) {
        buf_add_str(out, "nil");
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        buf_add_int(out, reply->integer);
    } else if (reply->type == REDIS_REPLY_ARRAY) {
        buf_add_ch(out, '[');
        for (size_t i = 0; i < reply->elements; i++) {
            if (i)
                buf_add_ch(out, ' ');
            render(out, reply->element[i]);
        }
        buf_add_ch(out, ']');
    } else {
        buf_add_str(out, reply->type == REDIS_REPLY_ERROR ? "(" : "");
        buf_add(out, reply->str, (size_t)reply->len);
        buf_add_str(out, reply->type == REDIS_REPLY_ERROR ? ")" : "");
    }
}

/* Splits the line, which it changes, at blanks. */
static int split(char *line, const char **words, int max)
{
    int n = 0;

    for (char *at = line + strspn(line, " "); *at && n < max; at += strspn(at, " ")) {
        words[n++] = at;
        at += strcspn(at, " ");
        if (*at)
            *at++ = '\0';
    }
    return n;
}

static const char *command(const char *text)
{
    char *line = mem_strdup(text);
    const char *words[64];
    int n = split(line, words, 64);
    redisContext *redis = connect_redis();
    redisReply *reply = redisCommandArgv(redis, n, words, NULL);
    struct buf out = BUF_INIT;

    ck_assert_msg(reply != NULL, "Redis: %s: %s", text, redis->errstr);
    render(&out, reply);
    freeReplyObject(reply);
    redisFree(redis);
    free(line);
    return pick_keep(buf_detach(&out, NULL));
}

const char *redis_line(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const char *line = formatted(format, args);
    va_end(args);
    return command(line);
}

int64_t redis_number(const char *format, ...)
{
    va_list args;
    char *end;

    va_start(args, format);
    const char *line = formatted(format, args), *answer;
    va_end(args);
    answer = command(line);
    int64_t number = strtoll(answer, &end, 10);
    ck_assert_msg(*answer && !*end, "Redis: %s: %s is no number", line, answer);
    return number;
}
