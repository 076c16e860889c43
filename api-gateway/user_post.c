/*
 * user_post.c: POST /sync/users: the original's way to send a user. It becomes a user_updated event to all other platforms, which
 * goes the way of any event: same durability, idempotency and errors. Whoever the token speaks for is its source; a token without
 * a platform speaks for bizosaas, as the original did.
 */
#include "accept_inside.h"
#include "answer.h"
#include "msg.h"
#include "record.h"

#define PRIORITY_OF_USERS 3

/* What of the body is the user; all else is ignored, as the original did. */
static const struct {
    const char *name;
    bool required, object;
} members[] = {{"user_id", true, false},      {"email", true, false},        {"name", true, false},
               {"phone", false, false},       {"profile_data", false, true}, {"preferences", false, true},
               {"platform_data", false, true}};

/* ---- the event ---- */

static struct json *user_data(const struct json *body, struct json *errors)
{
    struct json *data = json_new_object(), *value;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char pointer[32];
        bool there = json_find(body, members[i].name, &value);
        snprintf(pointer, sizeof pointer, "/%s", members[i].name);
        if (members[i].required && (!there || !value))
            accept_mistake(errors, pointer, "%s is required", members[i].name);
        else if (members[i].object && there && value && json_type(value) != JSON_OBJECT)
            accept_mistake(errors, pointer, "%s must be an object, not %s", members[i].name,
                           json_type_name(json_type(value)));
        else if (there)
            json_set(data, members[i].name, json_ref(value));
    }
    return data;
}

static struct json *targets(const struct platform_set *platforms, const char *source)
{
    struct json *names = json_new_array();
    for (size_t i = 0; i < platform_count(platforms); i++)
        if (strcmp(platform_name(platform_at(platforms, i)), source) != 0)
            json_append(names, json_new_text(platform_name(platform_at(platforms, i))));
    if (json_count(names) == 0) /* there is nobody else: the record alone is kept */
        json_append(names, json_new_text(source));
    return names;
}

/* The body of POST /sync/events. */
static struct json *user_event(const struct gateway *gateway, const struct identity *identity,
                               const struct json *body, struct json *errors)
{
    struct json *event = json_new_object(), *tenant;
    const char *source = identity->platform[0] ? identity->platform : RECORD_USERS_PLATFORM;
    json_set(event, "event_type", json_new_text(msg_event_type_name(EVENT_USER_UPDATED)));
    json_set(event, "source_platform", json_new_text(source));
    json_set(event, "target_platforms", targets(gateway->platforms, source));
    json_set(event, "priority", json_new_int(PRIORITY_OF_USERS));
    json_set(event, "data", user_data(body, errors));
    json_set(event, "user_id", json_ref(json_get(body, "user_id")));
    if (json_find(body, "tenant_id", &tenant))
        json_set(event, "tenant_id", json_ref(tenant));
    return event;
}

/* ---- answers ---- */

static bool has_pointer(const struct json *errors, const char *pointer)
{
    for (size_t i = 0; i < json_count(errors); i++)
        if (strcmp(json_get_text(json_at(errors, i), "pointer"), pointer) == 0)
            return true;
    return false;
}

/* Mistakes of the event in the words of the user's body: /data/email is /email there. One per member: the first. */
static void translate(struct json *errors, const struct json *of_event)
{
    for (size_t i = 0; i < json_count(of_event); i++) {
        const char *pointer = json_get_text(json_at(of_event, i), "pointer");
        if (strcmp(pointer, "/data") == 0)
            pointer = "/user_id"; /* data lacks the id */
        else if (strncmp(pointer, "/data/", 6) == 0)
            pointer += 5;
        if (!has_pointer(errors, pointer))
            accept_mistake(errors, pointer, "%s", json_get_text(json_at(of_event, i), "detail"));
    }
}

static void refuse(struct gateway *gateway, struct http_request *http, const struct problem *problem,
                   const struct json *errors)
{
    stats_add(gateway->accept->invalid, 1);
    if (problem && problem->status != 422)
        http_problem(http, problem);
    else
        http_problem(
            http, &(struct problem){.status = 422,
                                    .type = "invalid-user",
                                    .errors = errors,
                                    .detail = "The user does not validate: errors names each member and what "
                                              "is wrong."});
}

/* String values only: clients of the original take no others. */
static void on_done(const struct accept_request *request, void *arg)
{
    struct http_request *http = arg;
    const struct accept_item *item = &request->items[0];
    struct buf out = BUF_INIT;
    if (item->outcome != ACCEPT_CREATED) {
        struct problem problem = accept_problem(item);
        http_problem(http, &problem);
        return;
    }
    answer_open(&out, NULL, '{');
    answer_text(&out, "message", "User synchronized");
    answer_text(&out, "user_id", item->event.entity_id);
    answer_text(&out, "event_id", item->event_id);
    answer_close(&out, '}');
    http_reply(http, 200, "application/json", &out);
    buf_release(&out);
}

/* ---- the request ---- */

static void enter(struct accept_request *request, struct http_request *http, const char *key)
{
    struct accept_item *item = &request->items[0];
    size_t len;
    const char *bytes = http_body(http, &len);
    item->key = arena_strdup(request->arena, key);
    accept_fingerprint(item, bytes, len);
    http_release_body(http);
    accept_enter_all(request);
}

/* false: it was refused, and nothing was entered. */
static bool parse(struct gateway *gateway, struct http_request *http, const struct json *body,
                  struct accept_request *request, struct json *errors)
{
    struct accept_context context = accept_context_of(gateway, http);
    struct json *of_event = json_new_array();
    struct json *event = user_event(gateway, context.identity, body, errors);
    struct problem problem;
    int failed = accept_parse(&context, event, request->arena, &request->items[0].event, &problem, of_event);
    translate(errors, of_event);
    if (failed < 0 || json_count(errors) > 0)
        refuse(gateway, http, failed < 0 ? &problem : NULL, errors);
    json_free(event);
    json_free(of_event);
    return failed == 0 && json_count(errors) == 0 && accept_is_known(gateway, http);
}

void user_post(struct http_request *http, void *arg)
{
    struct gateway *gateway = arg;
    const char *key;
    struct json *body = http_json(http), *errors = json_new_array();
    if (body && json_type(body) != JSON_OBJECT) {
        accept_mistake(errors, "", "a user must be an object, not %s", json_type_name(json_type(body)));
        refuse(gateway, http, NULL, errors);
    } else if (body && accept_read_key(http, &key) == 0) {
        struct accept_request *request = accept_request_inside(gateway, 1, on_done, http);
        if (parse(gateway, http, body, request, errors))
            enter(request, http, key);
        else
            accept_request_drop(request);
    }
    json_free(errors);
}
