/* conflict_fixture.c: see conflict_fixture.h. */
#include "conflict_fixture.h"

#include "flow_fixture.h"

#define TO_ALL "\"bizoholic\",\"coreldove\",\"bizosaas\""

const char *conflict_change(const char *type, const char *source, int base_version, const char *data)
{
    const char *base = base_version ? api_text("\"base_version\":%d,", base_version) : "";

    return api_event("{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[" TO_ALL
                     "],\"tenant_id\":\"" API_TENANT "\",%s\"data\":%s}",
                     type, source, base, data);
}

const struct api_answer *conflict_operate(const char *url, const char *body)
{
    return api_send(&(struct api_request){
        .method = "POST", .url = url, .token = api_token(API_TENANT, "operator"), .body = body});
}

const char *conflict_id(const char *entity_id, const char *status)
{
    return sql_text("SELECT id FROM sync_conflicts WHERE entity_id = '%s' AND status = '%s'", entity_id,
                    status);
}

/* Its id, once a conflict of the record has this status. */
const char *conflict_await(const char *entity_id, const char *status)
{
    flow_wait(conflict_id(entity_id, status), 10);
    return conflict_id(entity_id, status);
}

const struct json *conflict_get(const char *id)
{
    return api_found(api_text("/sync/conflicts/%s", id));
}

const char *conflict_held(const char *platform, const char *entity, const char *id, const char *field)
{
    const struct json *record = fake_record(platform, entity, API_TENANT, id);
    const char *text = pick_text(record, api_text("/data/%s", field));

    return text ? text : "";
}

bool conflict_all_hold(const char *entity, const char *id, const char *const names[3], const char *value)
{
    static const char *const platforms[] = {"bizoholic", "coreldove", "bizosaas"};

    for (size_t i = 0; i < 3; i++)
        if (strcmp(conflict_held(platforms[i], entity, id, names[i]), value) != 0)
            return false;
    return true;
}

static const char *update(const char *source, const char *data)
{
    return api_text(
        "{\"event_type\":\"user_updated\",\"source_platform\":\"%s\",\"target_platforms\":[" TO_ALL
        "],\"tenant_id\":\"" API_TENANT "\",\"base_version\":1,\"data\":%s}",
        source, data);
}

const char *conflict_of_user(const char *id)
{
    api_await(
        conflict_change("user_created", "bizosaas", 0,
                        api_text("{\"id\":\"%s\",\"email\":\"%s@example.com\",\"name\":\"Old\"}", id, id)),
        "completed");
    const char *b = update("bizoholic",
                           api_text("{\"id\":\"%s\",\"email\":\"%s-b@example.com\",\"name\":\"B\"}", id, id)),
               *c = update("coreldove",
                           api_text("{\"id\":\"%s\",\"email\":\"%s-c@example.com\",\"name\":\"C\",\"phone\":"
                                    "\"+911\"}",
                                    id, id));
    const struct api_answer *answer = api_post("/sync/events/bulk", api_text("{\"events\":[%s,%s]}", b, c));

    ck_assert_msg(answer->status == 200, "%d %s", answer->status, answer->body);
    /* What policies decide by themselves is on the record then. */
    flow_wait(sql_text("SELECT id FROM sync_conflicts WHERE entity_id = '%s' AND status = 'waiting' AND "
                       "open_fields = '{email}'",
                       id),
              10);
    const char *contested = pick_text(answer->json, "/results/1/event_id");
    api_await(contested, "conflict");
    pick_check(api_found(api_text("/sync/events?status=conflict&entity_id=%s", id)), "/events/0/id",
               contested);
    return conflict_id(id, "waiting");
}

const struct json *conflict_rule(const struct json *conflict, const char *field)
{
    const struct json *fields = pick(conflict, "/fields");

    for (size_t i = 0; i < json_count(fields); i++)
        if (strcmp(pick_text(json_at(fields, i), "/field"), field) == 0)
            return json_at(fields, i);
    ck_abort_msg("%s is not told of", field);
}

const struct json *conflict_record(const char *id)
{
    return api_found(api_text("/sync/records/user/%s", id));
}
