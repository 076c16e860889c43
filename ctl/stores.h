/*
 * stores.h: PostgreSQL and Redis as commands use them: asked, and waited for. Either may be away: that is said once, on standard
 * error, and the other is used all the same.
 */
#pragma once
#include "belt.h"
#include "ctl.h"
#include "db.h"
#include "stream.h"

struct stores;
/* Connects to both meanwhile, as DATABASE_URL and friends and REDIS_URL say. NULL after a sentence: one of these is no URL. */
struct stores *stores_open(const struct conf *conf);
void stores_close(struct stores **stores);

/* The answer's rows; not called when there is none. */
typedef void (*stores_rows_cb)(const struct db_result *result, void *arg);
/* DB_READER: of all tenants. Takes params (NULL: none). What fails is said and makes the next stores_wait fail. */
void stores_send(struct stores *stores, enum db_role role, const char *sql, struct db_params *params,
                 stores_rows_cb rows, void *arg);
/* To Redis; the callback as of stream_send. A refusal is said. Only while stores_redis_up. */
void stores_command(struct stores *stores, struct stream_command *command, stream_cb callback, void *arg);
void stores_publish(struct stores *stores, struct belt_call *call); /* takes the call */
/* Until everything that was sent is answered. 0, or -1: something was not, or was refused. */
int stores_wait(struct stores *stores);
/* stores_send and stores_wait. */
int stores_ask(struct stores *stores, enum db_role role, const char *sql, struct db_params *params,
               stores_rows_cb rows, void *arg);

/* Waits for the connection, 2 s at most. */
bool stores_redis_up(struct stores *stores);
/* Why it failed, since the beginning; NULL: it did not. */
const char *stores_postgres_failed(const struct stores *stores);
const char *stores_redis_failed(const struct stores *stores);
