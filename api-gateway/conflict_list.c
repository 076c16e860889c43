/* conflict_list.c: GET /sync/conflicts: pages of conflicts, newest first, without what they are about. */
#include "answer.h"
#include "conflict_inside.h"
#include "msg.h"
#include "sql.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200
#define NAMES_MAX 1024

/* Owner: the query's callback. */
struct listing {
    struct http_request *request;
    int64_t limit;
};

static void add_text(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    answer_text(out, column, db_get_text(result, row, db_column(result, column), NULL));
}

static void add_uuid(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    struct uuid uuid;

    db_get_uuid(result, row, db_column(result, column), &uuid);
    answer_uuid(out, column, &uuid);
}

static void add_names(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    const char *names[NAMES_MAX];
    size_t lens[NAMES_MAX];
    size_t count = db_get_texts(result, row, db_column(result, column), names, lens, NAMES_MAX);

    answer_open(out, column, '[');
    for (size_t i = 0; i < count && i < NAMES_MAX; i++)
        if (names[i])
            answer_text_len(out, NULL, names[i], lens[i]);
    answer_close(out, ']');
}

static void add_conflict(struct buf *out, const struct db_result *result, size_t row)
{
    answer_open(out, NULL, '{');
    add_uuid(out, result, row, "id");
    add_text(out, result, row, "tenant_id");
    add_text(out, result, row, "entity_type");
    add_text(out, result, row, "entity_id");
    add_uuid(out, result, row, "record_id");
    add_uuid(out, result, row, "event_id");
    answer_int(out, "version", db_get_int(result, row, db_column(result, "version")));
    add_text(out, result, row, "type");
    add_names(out, result, row, "types");
    add_text(out, result, row, "status");
    add_names(out, result, row, "fields");
    add_names(out, result, row, "open_fields");
    answer_time(out, "created_at", db_get_time_ms(result, row, db_column(result, "created_at")));
    add_text(out, result, row, "decided_by");
    answer_time(out, "decided_at", db_get_time_ms(result, row, db_column(result, "decided_at")));
    answer_close(out, '}');
}

static void write_page(struct buf *out, const struct db_result *result, int64_t limit)
{
    size_t rows = db_rows(result), shown = rows > (size_t)limit ? (size_t)limit : rows;

    answer_open(out, NULL, '{');
    answer_open(out, "conflicts", '[');
    for (size_t row = 0; row < shown; row++)
        add_conflict(out, result, row);
    answer_close(out, ']');
    answer_int(out, "limit", limit);
    cursor_answer(out, result, shown, rows > shown);
    answer_close(out, '}');
}

static void on_page(enum db_status status, const struct db_result *result, void *arg)
{
    struct listing *listing = arg;
    struct buf out = BUF_INIT;

    if (status == DB_OK) {
        write_page(&out, result, listing->limit);
        http_reply(listing->request, 200, "application/json", &out);
    } else {
        gateway_refuse_database(listing->request, status, result);
    }
    buf_release(&out);
    free(listing);
}

/* ---- the question ---- */

struct question {
    const char *status, *type;
    struct uuid cursor;
    bool has_cursor;
    int64_t limit;
};

static const char *query_text(const struct http_request *request, const char *name)
{
    const char *text = http_query(request, name);

    return text && *text ? text : NULL;
}

static bool is_status(const char *text)
{
    static const char *const words[] = {"open", "deciding", "waiting", "resolved", "replaced", "undone"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static int read_question(struct http_request *request, struct question *question)
{
    const char *cursor = query_text(request, "cursor");
    enum entity entity;

    question->status = query_text(request, "status");
    question->type = query_text(request, "entity_type");
    question->has_cursor = cursor;
    if (question->status && !is_status(question->status))
        gateway_refuse_parameter(
            request, "status",
            "status must be one of open, deciding, waiting, resolved, replaced and undone");
    else if (question->type && (msg_entity(question->type, &entity) != 0 || entity == ENTITY_NONE))
        gateway_refuse_parameter(request, "entity_type",
                                 "entity_type must be one of user, lead, order, campaign and product");
    else if (cursor && cursor_read(cursor, &question->cursor) < 0)
        gateway_refuse_parameter(request, "cursor", "cursor must be the next_cursor of an earlier answer");
    else
        return gateway_query_int(request, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &question->limit);
    return -1;
}

void conflict_list(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    struct question question;
    struct listing *listing;
    struct db_params *params;

    if (!tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    if (read_question(request, &question) < 0)
        return;
    listing = mem_alloc(sizeof *listing);
    *listing = (struct listing){request, question.limit < LIMIT_MAX ? question.limit : LIMIT_MAX};
    params = db_params_new();
    db_add_text(params, question.status);
    db_add_text(params, question.type);
    db_add_uuid(params, question.has_cursor ? &question.cursor : NULL);
    db_add_int(params, listing->limit);
    db_query_tenant(store_db(gateway->store), tenant, sql_list_conflicts, params, on_page, listing);
}
