/* drift.c: records that are lost or altered behind everybody's back, as by a restored backup or a careless person. */
#include "list.h"

#include "mem.h"

/* As if it had never been: also which version it had. */
static bool lose(struct platform *platform, const char *entity, const char *tenant, const char *id)
{
    struct record *record = records_find(&platform->records, entity, tenant, id);

    if (!record || record->deleted)
        return false;
    record->deleted = true;
    record->version = 0;
    return true;
}

static bool alter(struct platform *platform, const char *entity, const char *tenant, const char *id,
                  const struct json *fields)
{
    struct record *record = records_find(&platform->records, entity, tenant, id);
    struct json_iter iter = {0};
    struct json *value;
    const char *name;

    if (!record || record->deleted)
        return false;
    while (json_type(fields) == JSON_OBJECT && json_next(fields, &iter, &name, &value))
        json_set(record->data, name, json_copy(value));
    return true;
}

void drift_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                   const char *entity)
{
    struct json_error where;
    bool ok;
    struct json *body = json_parse(request->body, request->body_len, JSON_DEPTH_MAX, &where, &ok), *fields;
    const struct json *ids = json_get(body, "lose");
    struct json_iter iter = {0};
    char tenant[256] = "";
    const char *id;
    unsigned lost = 0, altered = 0;

    if (!ok || !records_id_names(entity)) {
        platform_answer_error(platform, conn, 400, ok ? "no such entity" : where.detail);
        json_free(body);
        return;
    }
    http_query(request, "tenant", tenant, sizeof tenant);
    for (size_t i = 0; i < json_count(ids); i++)
        lost += (id = json_text(json_at(ids, i), NULL)) && lose(platform, entity, tenant, id);
    while (json_type(json_get(body, "alter")) == JSON_OBJECT &&
           json_next(json_get(body, "alter"), &iter, &id, &fields))
        altered += alter(platform, entity, tenant, id, fields);
    buf_reset(&platform->out);
    buf_addf(&platform->out, "{\"lost\":%u,\"altered\":%u}", lost, altered);
    platform_answer(platform, conn, 200);
    json_free(body);
}
