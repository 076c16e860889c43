/*
 * record_json.c: a record as JSON, from the rows of get_record.sql and list_versions.sql: as records are shown, and as the original
 * shows a user. Stored data goes out as the text that it is stored as.
 */
#include "answer.h"
#include "digest.h"
#include "gateway.h"
#include "merge.h"
#include "msg.h"
#include "record.h"

#define FIELDS_MAX 1024 /* of one version: changed names shown */

static const char *text_of(const struct db_result *result, size_t row, const char *column)
{
    return db_get_text(result, row, db_column(result, column), NULL);
}

static void member_text(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    answer_text(out, column, text_of(result, row, column));
}

static void member_int(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    answer_int(out, column, db_get_int(result, row, db_column(result, column)));
}

static void member_time(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    answer_time(out, column, db_get_time_ms(result, row, db_column(result, column)));
}

static void member_bool(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    answer_bool(out, column, db_get_bool(result, row, db_column(result, column)));
}

static void member_uuid(struct buf *out, const char *key, const struct db_result *result, size_t row,
                        const char *column)
{
    struct uuid uuid;
    db_get_uuid(result, row, db_column(result, column), &uuid);
    answer_uuid(out, key, &uuid);
}

/* Stored JSON, without its format byte; NULL when it is of a format that this release does not know. */
static const char *body_of(const struct db_result *result, size_t row, const char *column, size_t *len)
{
    const char *bytes = db_get_bytes(result, row, db_column(result, column), len);
    if (!bytes || *len < 2 || bytes[0] != BODY_PLAIN)
        return NULL;
    (*len)--;
    return bytes + 1;
}

/* NULL: likewise. The caller frees. */
static struct json *parsed_body(const struct db_result *result, size_t row, const char *column)
{
    size_t len;
    bool ok = false;
    const char *text = body_of(result, row, column, &len);
    struct json *json = text ? json_parse(text, len, JSON_DEPTH_MAX, NULL, &ok) : NULL;
    return ok ? json : NULL;
}

static void member_body(struct buf *out, const struct db_result *result, size_t row, const char *column)
{
    size_t len;
    const char *text = body_of(result, row, column, &len);
    if (text)
        answer_json(out, column, text, len);
    else
        answer_null(out, column);
}

static int64_t number_of(const struct json *object, const char *name, int64_t fallback)
{
    const struct json *value = json_get(object, name);
    int64_t number;
    return json_type(value) == JSON_NUMBER && json_int64(value, &number) == 0 ? number : fallback;
}

/* ---- a record ---- */

/* A counter for each platform that there is, then for those that there were, then the service's own. */
static void add_vector(struct buf *out, const struct platform_set *platforms, const char *text)
{
    bool ok = false;
    struct json *vector = json_parse(text, strlen(text), JSON_DEPTH_MAX, NULL, &ok), *count;
    struct json_iter iter = {NULL};
    const char *name;
    answer_open(out, "vector", '{');
    for (size_t i = 0; i < platform_count(platforms); i++) {
        name = platform_name(platform_at(platforms, i));
        answer_int(out, name, ok ? number_of(vector, name, 0) : 0);
    }
    while (ok && json_next(vector, &iter, &name, &count))
        if (strcmp(name, RECORD_SERVICE) != 0 && !platform_find(platforms, name))
            answer_int(out, name, number_of(vector, name, 0));
    answer_int(out, RECORD_SERVICE, ok ? number_of(vector, RECORD_SERVICE, 0) : 0);
    answer_close(out, '}');
    if (ok)
        json_free(vector);
}

/* Where each field comes from and since when. Names with an underscore are not the record's own. */
static void add_fields(struct buf *out, const struct db_result *result)
{
    struct json *notes = parsed_body(result, 0, "notes"), *note;
    struct json_iter iter = {NULL};
    const char *name;
    answer_open(out, "fields", '{');
    while (notes && json_next(notes, &iter, &name, &note)) {
        if (json_type(note) != JSON_OBJECT || strcmp(name, MERGE_DELETED) == 0 ||
            strcmp(name, MERGE_HOPS) == 0)
            continue;
        answer_open(out, name, '{');
        answer_text(out, "origin", json_get_text(note, "o"));
        answer_time(out, "time", number_of(note, "t", INT64_MIN));
        if (json_get_text(note, "c"))
            answer_text(out, "currency", json_get_text(note, "c"));
        answer_close(out, '}');
    }
    answer_close(out, '}');
    json_free(notes);
}

static void add_platforms(struct buf *out, const struct db_result *result)
{
    answer_open(out, "platforms", '{');
    for (size_t row = 0; row < db_rows(result); row++) {
        const char *platform = text_of(result, row, "platform");
        if (!platform)
            continue;
        bool sent = !db_is_null(result, row, db_column(result, "certain_version"));
        answer_open(out, platform, '{');
        answer_int(out, "version", sent ? db_get_int(result, row, db_column(result, "certain_version")) : 0);
        member_text(out, result, row, "platform_id");
        member_time(out, result, row, "delivered_at");
        member_text(out, result, row, "state");
        answer_close(out, '}');
    }
    answer_close(out, '}');
}

static void add_names(struct buf *out, const struct db_result *result, size_t row)
{
    member_text(out, result, row, "entity_type");
    member_text(out, result, row, "entity_id");
    member_uuid(out, "record_id", result, row, "id");
    member_text(out, result, row, "tenant_id");
}

/* The others of the same e-mail address. */
static void add_also(struct buf *out, const struct db_result *result)
{
    size_t shown = 0;
    answer_open(out, "also", '[');
    for (size_t row = 0; row < db_rows(result) && shown < RECORD_ALSO_MAX; row++) {
        if (db_get_int(result, row, db_column(result, "place")) == 1)
            continue;
        shown++;
        answer_open(out, NULL, '{');
        add_names(out, result, row);
        member_int(out, result, row, "version");
        member_bool(out, result, row, "deleted");
        answer_close(out, '}');
    }
    answer_close(out, ']');
    answer_bool(out, "more",
                db_get_int(result, db_rows(result) - 1, db_column(result, "place")) > RECORD_ALSO_MAX + 1);
}

void record_json(struct buf *out, const struct platform_set *platforms, const struct db_result *result,
                 bool others)
{
    answer_open(out, NULL, '{');
    add_names(out, result, 0);
    member_int(out, result, 0, "version");
    add_vector(out, platforms, text_of(result, 0, "vector"));
    member_bool(out, result, 0, "deleted");
    member_time(out, result, 0, "created_at");
    member_time(out, result, 0, "updated_at");
    member_body(out, result, 0, "data");
    add_fields(out, result);
    add_platforms(out, result);
    if (others)
        add_also(out, result);
    answer_close(out, '}');
}

/* ---- versions ---- */

static void add_changed(struct buf *out, const struct db_result *result, size_t row)
{
    const char *names[FIELDS_MAX];
    size_t lens[FIELDS_MAX];
    size_t count = db_get_texts(result, row, db_column(result, "changed"), names, lens, FIELDS_MAX);
    answer_open(out, "changed", '[');
    for (size_t i = 0; i < count && i < FIELDS_MAX; i++)
        if (names[i])
            answer_text_len(out, NULL, names[i], lens[i]);
    answer_close(out, ']');
}

void record_versions_json(struct buf *out, const struct db_result *result, int64_t limit)
{
    size_t count = db_is_null(result, 0, db_column(result, "version")) ? 0 : db_rows(result);
    bool more = count > 0 && db_get_bool(result, 0, db_column(result, "more"));
    answer_open(out, NULL, '{');
    add_names(out, result, 0);
    answer_open(out, "versions", '[');
    for (size_t row = 0; row < count; row++) {
        answer_open(out, NULL, '{');
        member_int(out, result, row, "version");
        member_uuid(out, "event_id", result, row, "event_id");
        member_int(out, result, row, "seq");
        member_text(out, result, row, "source");
        member_time(out, result, row, "created_at");
        member_bool(out, result, row, "deleted");
        add_changed(out, result, row);
        member_body(out, result, row, "data");
        answer_close(out, '}');
    }
    answer_close(out, ']');
    answer_int(out, "limit", limit);
    cursor_answer_number(out, more ? db_get_int(result, count - 1, db_column(result, "version"))
                                   : CURSOR_NO_NUMBER);
    answer_close(out, '}');
}

/* ---- a user, as the original has it ---- */

static const struct {
    const char *name;
    bool object; /* empty rather than null */
} user_members[] = {{"email", false},       {"name", false},       {"phone", false},
                    {"profile_data", true}, {"preferences", true}, {"platform_data", true}};

/* Names of a user's members that are not the data's to say. */
static const char *const user_own[] = {"id",      "user_id",    "tenant_id", "record_id",
                                       "version", "created_at", "updated_at"};

static bool is_users_own(const char *name)
{
    for (size_t i = 0; i < sizeof user_own / sizeof *user_own; i++)
        if (strcmp(name, user_own[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof user_members / sizeof *user_members; i++)
        if (strcmp(name, user_members[i].name) == 0)
            return true;
    return false;
}

static void add_value(struct buf *out, const char *name, const struct json *value, const char *fallback)
{
    struct buf text = BUF_INIT;
    if (value)
        json_write(&text, value);
    else
        buf_add_str(&text, fallback);
    answer_json(out, name, text.data, text.len);
    buf_release(&text);
}

void record_user_json(struct buf *out, const struct db_result *result)
{
    struct json *data = parsed_body(result, 0, "data"), *value;
    struct json_iter iter = {NULL};
    const char *name;
    answer_open(out, NULL, '{');
    answer_text(out, "user_id", text_of(result, 0, "entity_id"));
    for (size_t i = 0; i < sizeof user_members / sizeof *user_members; i++)
        add_value(out, user_members[i].name, json_get(data, user_members[i].name),
                  user_members[i].object ? "{}" : "null");
    member_text(out, result, 0, "tenant_id");
    member_uuid(out, "record_id", result, 0, "id");
    member_int(out, result, 0, "version");
    member_time(out, result, 0, "created_at");
    member_time(out, result, 0, "updated_at");
    while (data && json_next(data, &iter, &name, &value))
        if (!is_users_own(name))
            add_value(out, name, value, "null");
    answer_close(out, '}');
    json_free(data);
}
