/* backfill_show.c: a first sync as JSON, from a row of backfill_read.sql. */
#include "answer.h"
#include "backfill_inside.h"
#include "changes.h"
#include "sql.h"

static const char *text_of(const struct db_result *result, size_t row, const char *name)
{
    return db_get_text(result, row, db_column(result, name), NULL);
}

static void show_list(struct buf *out, const char *key, const char *list)
{
    answer_open(out, key, '[');
    while (list && *list) {
        size_t len = strcspn(list, ",");
        answer_text_len(out, NULL, list, len);
        list += len + (list[len] == ',');
    }
    answer_close(out, ']');
}

static void show_times(struct buf *out, const struct db_result *result, size_t row)
{
    static const char *const names[] = {"created_at", "started_at", "updated_at", "ended_at", "retry_at"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        answer_time(out, names[i], db_get_time_ms(result, row, db_column(result, names[i])));
}

static void show_counts(struct buf *out, const struct db_result *result, size_t row)
{
    static const char *const names[] = {"pages", "read", "accepted", "refused", "unchanged", "waiting"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        answer_int(out, names[i], db_get_int(result, row, db_column(result, names[i])));
}

void backfill_show(struct buf *out, const struct db_result *result, size_t row)
{
    struct uuid id;
    const char *source = text_of(result, row, "source"), *refusals = text_of(result, row, "refusals");
    db_get_uuid(result, row, db_column(result, "id"), &id);
    answer_uuid(out, "id", &id);
    answer_text(out, "tenant_id", text_of(result, row, "tenant_id"));
    answer_text(out, "platform", text_of(result, row, "platform"));
    answer_text(out, "source", source);
    answer_text(out, "state", text_of(result, row, "state"));
    answer_text(out, "reason", text_of(result, row, "reason"));
    show_list(out, "entities", text_of(result, row, "entities"));
    show_list(out, "targets", text_of(result, row, "targets"));
    answer_int(out, "rate", db_get_int(result, row, db_column(result, "rate")));
    if (strcmp(source, "file") == 0) {
        answer_time(out, "as_of", db_get_time_ms(result, row, db_column(result, "as_of")));
        answer_int(out, "parts", db_get_int(result, row, db_column(result, "parts")));
        answer_int(out, "line", db_get_int(result, row, db_column(result, "line")));
    } else {
        answer_text(out, "entity", text_of(result, row, "entity"));
    }
    show_counts(out, result, row);
    show_times(out, result, row);
    answer_text(out, "created_by", text_of(result, row, "subject"));
    if (refusals)
        answer_json(out, "refusals", refusals, strlen(refusals));
}

/* Owner: the query's callback. */
struct reply {
    struct http_request *request;
    int status;
};

static void on_read(enum db_status status, const struct db_result *result, void *arg)
{
    struct reply reply = *(struct reply *)arg;
    struct buf out = BUF_INIT;
    free(arg);
    if (status != DB_OK && reply.status == 202) {
        changes_refuse(reply.request, DB_UNKNOWN, NULL,
                       "The backfill was made, and the database went away before it could be shown: look at "
                       "the list of backfills.");
    } else if (status != DB_OK) {
        gateway_refuse_database(reply.request, status, result);
    } else if (db_rows(result) == 0) {
        gateway_not_found(reply.request);
    } else {
        answer_open(&out, NULL, '{');
        backfill_show(&out, result, 0);
        answer_close(&out, '}');
        http_reply(reply.request, reply.status, "application/json", &out);
    }
    buf_release(&out);
}

void backfill_reply(struct gateway *gateway, struct http_request *request, const char *tenant,
                    const struct uuid *id, int status)
{
    struct db_params *params = db_params_new();
    struct reply *reply = mem_alloc(sizeof *reply);
    *reply = (struct reply){request, status};
    db_add_uuid(params, id);
    db_add_text(params, NULL);
    db_add_uuid(params, NULL);
    db_add_int(params, 1);
    db_query_tenant(store_db(gateway->store), tenant, sql_backfill_read, params, on_read, reply);
}
