/* alerts.c: GET /sync/alerts: what people must know, newest first. Who may see which is the database's to say (row-level security). */
#include "answer.h"
#include "gateway.h"
#include "sql.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200

/* Owner: the query's callback. */
struct listing {
    struct http_request *request;
    int64_t limit;
};

static void add_text(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    answer_text(out, column, db_get_text(result, row, db_column(result, column), NULL));
}

static void add_number(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    int at = db_column(result, column);
    char text[48];

    if (db_is_null(result, row, at)) {
        answer_null(out, column);
        return;
    }
    snprintf(text, sizeof text, "%.6g", db_get_real(result, row, at));
    answer_json(out, column, text, strlen(text));
}

static void add_time(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    answer_time(out, column, db_get_time_ms(result, row, db_column(result, column)));
}

static void add_alert(struct buf *out, const struct db_result *result, size_t row)
{
    static const char *const texts[] = {"level",     "title",  "message",         "platform",
                                        "tenant_id", "status", "resolution_note", "metric_name"};
    struct uuid id;

    answer_open(out, NULL, '{');
    db_get_uuid(result, row, db_column(result, "id"), &id);
    answer_uuid(out, "id", &id);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_text(out, result, row, texts[i]);
    add_number(out, result, row, "threshold_value");
    add_number(out, result, row, "current_value");
    add_time(out, result, row, "created_at");
    add_time(out, result, row, "raised_at");
    add_time(out, result, row, "resolved_at");
    answer_close(out, '}');
}

static void write_page(struct buf *out, const struct db_result *result, int64_t limit)
{
    size_t rows = db_rows(result), shown = rows > (size_t)limit ? (size_t)limit : rows;

    answer_open(out, NULL, '{');
    answer_open(out, "alerts", '[');
    for (size_t row = 0; row < shown; row++)
        add_alert(out, result, row);
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

/* The value of a parameter that must be one of the words; NULL: not given. -1 after having refused another. */
static int read_word(struct http_request *request, const char *name, const char *const *words,
                     const char *sentence, const char **value)
{
    const char *text = http_query(request, name);

    *value = text && *text ? text : NULL;
    if (!*value)
        return 0;
    for (; *words; words++)
        if (strcmp(*words, text) == 0)
            return 0;
    gateway_refuse_parameter(request, name, sentence);
    return -1;
}

struct question {
    const char *tenant, *status, *level, *platform;
    struct uuid cursor;
    bool has_cursor;
    int64_t limit;
};

static int read_question(const struct gateway *gateway, struct http_request *request,
                         struct question *question)
{
    static const char *const statuses[] = {"active", "acknowledged", "resolved", NULL};
    static const char *const levels[] = {"warning", "error", "critical", NULL};
    const char *platform = http_query(request, "platform"), *cursor = http_query(request, "cursor");

    question->platform = platform && *platform ? platform : NULL;
    question->has_cursor = cursor && *cursor;
    if (read_word(request, "status", statuses, "status must be one of active, acknowledged and resolved",
                  &question->status) < 0 ||
        read_word(request, "level", levels, "level must be one of warning, error and critical",
                  &question->level) < 0 ||
        gateway_query_int(request, "limit", 1, INT64_MAX, LIMIT_DEFAULT, &question->limit) < 0)
        return -1;
    if (question->platform && !platform_find(gateway->platforms, question->platform)) {
        struct buf detail = BUF_INIT;
        buf_add_str(&detail, "platform must be a configured platform: ");
        gateway_platform_names(&detail, gateway->platforms);
        gateway_refuse_parameter(request, "platform", detail.data);
        buf_release(&detail);
        return -1;
    }
    if (question->has_cursor && cursor_read(cursor, &question->cursor) < 0) {
        gateway_refuse_parameter(request, "cursor", "cursor must be the next_cursor of an earlier answer");
        return -1;
    }
    if (question->limit > LIMIT_MAX)
        question->limit = LIMIT_MAX;
    return 0;
}

void alert_list(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    struct question question = {.tenant = http_tenant(request, http_query(request, "tenant_id"))};
    struct listing *listing;
    struct db_params *params;

    if (!question.tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    if (read_question(gateway, request, &question) < 0)
        return;
    listing = mem_alloc(sizeof *listing);
    *listing = (struct listing){request, question.limit};
    params = db_params_new();
    db_add_text(params, question.status);
    db_add_text(params, question.level);
    db_add_text(params, question.platform);
    db_add_uuid(params, question.has_cursor ? &question.cursor : NULL);
    db_add_int(params, question.limit);
    db_query_tenant(store_db(gateway->store), question.tenant, sql_list_alerts, params, on_page, listing);
}
