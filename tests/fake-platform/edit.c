/*
 * edit.c: a user of the platform changes a record, at one moment: what is read and what is written cannot be torn apart by a delivery.
 * The answer is what the platform would tell us of it: the fields as they are now, and the version of ours that they were made on.
 */
#include <inttypes.h>

#include "list.h"
#include "mem.h"

struct edit {
    struct record *record;
    struct json *told;
};

static void keep(const struct edit *edit, const char *name, struct json *value)
{
    json_set(edit->record->data, name, value);
    json_set(edit->told, name, json_copy(value));
}

static bool each(const struct json *object, struct json_iter *iter, const char **name, struct json **value)
{
    return json_type(object) == JSON_OBJECT && json_next(object, iter, name, value);
}

/* Members into objects: {"preferences":{"language":"hi"}} leaves the other preferences alone. */
static void put(const struct edit *edit, const struct json *objects)
{
    struct json_iter iter = {0}, inner;
    struct json *members, *value, *object;
    const char *name, *member;

    while (each(objects, &iter, &name, &members)) {
        const struct json *before = json_get(edit->record->data, name);
        object = json_type(before) == JSON_OBJECT ? json_copy(before) : json_new_object();
        for (inner = (struct json_iter){0}; each(members, &inner, &member, &value);)
            json_set(object, member, json_copy(value));
        keep(edit, name, object);
    }
}

static void add(const struct edit *edit, const struct json *numbers)
{
    struct json_iter iter = {0};
    struct json *value;
    const char *name;

    while (each(numbers, &iter, &name, &value)) {
        int64_t before = 0, more = 0;
        json_int64(value, &more);
        if (json_get(edit->record->data, name))
            json_int64(json_get(edit->record->data, name), &before);
        keep(edit, name, json_new_int(before + more));
    }
}

static void apply(const struct edit *edit, const struct json *body)
{
    struct json_iter iter = {0};
    struct json *value;
    const char *name;

    while (each(json_get(body, "set"), &iter, &name, &value))
        keep(edit, name, json_copy(value));
    put(edit, json_get(body, "put"));
    add(edit, json_get(body, "add"));
}

/* The record, made where the body says so; NULL: it is not there, or is there already. */
static struct record *find(struct platform *platform, const char *entity, const char *tenant,
                           const struct json *body)
{
    struct record_change change = {
        .operation = RECORD_CREATE, .entity = entity, .tenant = tenant, .data = json_get(body, "set")};
    const char *id = json_get_text(body, "id");
    struct record *record = id ? records_find(&platform->records, entity, tenant, id) : NULL;

    if (json_type(json_get(body, "create")) != JSON_BOOL)
        return record && !record->deleted ? record : NULL;
    if (record || records_apply(&platform->records, &change, &record) != RECORD_DONE)
        return NULL;
    record->deliveries--;
    return record;
}

void edit_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                  const char *entity)
{
    struct json_error where;
    bool ok;
    struct json *body = json_parse(request->body, request->body_len, JSON_DEPTH_MAX, &where, &ok);
    struct edit edit = {NULL, NULL};
    char tenant[256] = "";

    http_query(request, "tenant", tenant, sizeof tenant);
    if (!ok || !records_id_names(entity)) {
        platform_answer_error(platform, conn, 400, ok ? "no such entity" : where.detail);
    } else if (!(edit.record = find(platform, entity, tenant, body))) {
        platform_answer_error(platform, conn, 404, "no such record");
    } else {
        edit.told = json_new_object();
        apply(&edit, body);
        buf_reset(&platform->out);
        buf_addf(&platform->out, "{\"version\":%" PRId64 ",\"data\":", edit.record->version);
        json_write(&platform->out, edit.told);
        buf_add_ch(&platform->out, '}');
        platform_answer(platform, conn, 200);
        json_free(edit.told);
    }
    json_free(body);
}
