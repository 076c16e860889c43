/* store.c: see store.h. A connection for each call: the stores come and go. */
#include "store.h"

#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "stack.h"

/* ── Redis ── */

static redisContext *connect_redis(void)
{
    static const struct timeval patience = {3, 0};
    char password[128], host[64];
    int port = 0;
    redisContext *redis;
    redisReply *reply;

    if (sscanf(stack_setting("REDIS_DIRECT_URL"), "redis://default:%127[^@]@%63[^:]:%d/", password, host,
               &port) != 3)
        fatal("REDIS_DIRECT_URL has another shape than expected");
    redis = redisConnectWithTimeout(host, port, patience);
    if (!redis || redis->err) {
        if (redis)
            redisFree(redis);
        return NULL;
    }
    redisSetTimeout(redis, patience);
    reply = redisCommand(redis, "AUTH %s", password);
    if (reply)
        freeReplyObject(reply);
    return redis;
}

bool store_redis(const char *line)
{
    redisContext *redis = connect_redis();
    redisReply *reply = redis ? redisCommand(redis, line) : NULL;
    bool ok = reply && reply->type != REDIS_REPLY_ERROR;

    if (reply)
        freeReplyObject(reply);
    if (redis)
        redisFree(redis);
    return ok;
}

static int64_t ask_number(redisContext *redis, const char *command, const redisReply *key)
{
    bool pending = strcmp(command, "XPENDING") == 0;
    redisReply *reply =
        redisCommand(redis, pending ? "%s %b sync" : "%s %b", command, key->str, (size_t)key->len);
    const redisReply *answer = pending && reply && reply->elements > 0 ? reply->element[0] : reply;
    int64_t number = answer && answer->type == REDIS_REPLY_INTEGER ? answer->integer : 0;

    if (reply)
        freeReplyObject(reply);
    return number;
}

int64_t store_redis_sum(const char *command, const char *pattern)
{
    redisContext *redis = connect_redis();
    redisReply *keys = redis ? redisCommand(redis, "KEYS %s", pattern) : NULL;
    int64_t sum = keys && keys->type == REDIS_REPLY_ARRAY ? 0 : -1;

    for (size_t i = 0; sum >= 0 && i < keys->elements; i++)
        sum += ask_number(redis, command, keys->element[i]);
    if (keys)
        freeReplyObject(keys);
    if (redis)
        redisFree(redis);
    return sum;
}

void store_redis_each(const char *pattern, const char *command, const char *rest)
{
    redisContext *redis = connect_redis();
    redisReply *keys = redis ? redisCommand(redis, "KEYS %s", pattern) : NULL;

    for (size_t i = 0; keys && keys->type == REDIS_REPLY_ARRAY && i < keys->elements; i++) {
        char line[300];
        snprintf(line, sizeof line, "%s %.200s %s", command, keys->element[i]->str, rest ? rest : "");
        redisReply *reply = redisCommand(redis, line);
        if (reply)
            freeReplyObject(reply);
    }
    if (keys)
        freeReplyObject(keys);
    if (redis)
        redisFree(redis);
}

/* ── PostgreSQL ── */

struct rows {
    PGresult *result;
};

struct rows *store_query(const char *sql)
{
    PGconn *conn = PQconnectdb(stack_setting("DATABASE_ADMIN_URL"));
    struct rows *rows = NULL;
    PGresult *result;

    if (PQstatus(conn) == CONNECTION_OK) {
        result = PQexec(conn, sql);
        if (PQresultStatus(result) == PGRES_TUPLES_OK) {
            rows = mem_alloc(sizeof *rows);
            rows->result = result;
        } else {
            fprintf(stderr, "%s: %s", sql, PQresultErrorMessage(result));
            PQclear(result);
        }
    }
    PQfinish(conn);
    return rows;
}

void store_rows_free(struct rows **rows)
{
    if (!*rows)
        return;
    PQclear((*rows)->result);
    free(*rows);
    *rows = NULL;
}

unsigned store_count(const struct rows *rows)
{
    return (unsigned)PQntuples(rows->result);
}

const char *store_text(const struct rows *rows, unsigned row, unsigned column)
{
    return PQgetvalue(rows->result, (int)row, (int)column);
}

int64_t store_int(const struct rows *rows, unsigned row, unsigned column)
{
    return strtoll(store_text(rows, row, column), NULL, 10);
}

int64_t store_number(const char *sql)
{
    struct rows *rows = store_query(sql);
    int64_t number = rows && store_count(rows) > 0 ? store_int(rows, 0, 0) : -1;

    store_rows_free(&rows);
    return number;
}

void store_drop_clients(void)
{
    struct rows *rows =
        store_query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'datasync'");

    store_rows_free(&rows);
}
