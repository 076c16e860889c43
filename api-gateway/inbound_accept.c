/* inbound_accept.c: the objects of a webhook become events by the platform's file, and what becomes of these is its answer. */
#include "answer.h"
#include "inbound.h"
#include "timefmt.h"

static struct json *target_names(const struct arrival *arrival)
{
    const struct platform_set *set = arrival->door->gateway->platforms;
    struct json *names = json_new_array();

    for (size_t i = 0; i < arrival->inbound->target_count; i++)
        json_append(names, json_new_text(arrival->inbound->targets[i]));
    for (size_t i = 0; arrival->inbound->target_count == 0 && i < platform_count(set); i++)
        if (platform_at(set, i) != arrival->platform)
            json_append(names, json_new_text(platform_name(platform_at(set, i))));
    return names;
}

/* As the original's helpers have it. */
static int priority_of(enum entity entity)
{
    static const int priorities[] = {[ENTITY_USER] = 3,     [ENTITY_LEAD] = 4,    [ENTITY_ORDER] = 2,
                                     [ENTITY_CAMPAIGN] = 5, [ENTITY_PRODUCT] = 4, [ENTITY_NONE] = 6};

    return priorities[entity];
}

/* The body of POST /sync/events for one of the objects. */
static struct json *new_event(const struct arrival *arrival, size_t index)
{
    const struct inbound_event *event = arrival->event;
    struct json *body = json_new_object(), *object = json_at(arrival->objects, index);
    const char *time = inbound_time(arrival);
    int64_t time_ms;

    json_set(body, "event_type", json_new_text(msg_event_type_name(event->type)));
    json_set(body, "source_platform", json_new_text(arrival->door->name));
    json_set(body, "target_platforms", target_names(arrival));
    json_set(body, "tenant_id", json_new_text(arrival->tenant));
    json_set(body, "priority", json_new_int(priority_of(msg_event_entity(event->type))));
    json_set(body, "data",
             event->object ? inbound_map(event->object, object, msg_event_verb(event->type))
                           : json_ref(object));
    if (time && timefmt_parse(time, strlen(time), &time_ms) == 0)
        json_set(body, "occurred_at", json_new_text(time));
    return body;
}

/* "/data/email" of the event is "/user/email" of the webhook. */
static void translate_pointer(const struct arrival *arrival, size_t index, const char *pointer,
                              struct buf *out)
{
    const struct inbound_object *object = arrival->event->object;
    const char *field = pointer + 6;
    char name[INBOUND_PATH_LENGTH_MAX];

    if (strncmp(pointer, "/data", 5) != 0 || (pointer[5] != '/' && pointer[5] != '\0')) {
        buf_add_str(out, pointer);
        return;
    }
    buf_add_str(out, json_text(json_at(arrival->pointers, index), NULL));
    if (!object || pointer[5] == '\0') {
        buf_add_str(out, pointer + 5);
        return;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(field, "/"), field);
    inbound_pointer(out, object, json_at(arrival->objects, index), name);
    buf_add_str(out, field + strcspn(field, "/"));
}

static struct json *translate_errors(const struct arrival *arrival, size_t index, const struct json *errors)
{
    struct json *translated = json_new_array();

    for (size_t i = 0; i < json_count(errors); i++) {
        struct json *error = json_new_object();
        struct buf pointer = BUF_INIT;
        translate_pointer(arrival, index, json_get_text(json_at(errors, i), "pointer"), &pointer);
        json_set(error, "pointer", json_new_text(pointer.data));
        json_set(error, "detail", json_new_text(json_get_text(json_at(errors, i), "detail")));
        json_append(translated, error);
        buf_release(&pointer);
    }
    return translated;
}

/* ---- the answer ---- */

static void write_result(struct buf *out, const struct accept_item *item)
{
    answer_open(out, NULL, '{');
    answer_text(out, "status", item->outcome == ACCEPT_CREATED ? "created" : "refused");
    if (item->outcome == ACCEPT_CREATED)
        answer_text(out, "event_id", item->event_id);
    answer_close(out, '}');
}

static void reply_created(struct http_request *http, const struct accept_request *request)
{
    struct buf out = BUF_INIT;

    answer_open(&out, NULL, '{');
    if (request->count == 1)
        answer_text(&out, "event_id", request->items[0].event_id);
    answer_text(&out, "status", "created");
    if (request->count > 1)
        answer_open(&out, "results", '[');
    for (size_t i = 0; request->count > 1 && i < request->count; i++)
        write_result(&out, &request->items[i]);
    if (request->count > 1)
        answer_close(&out, ']');
    answer_close(&out, '}');
    http_reply(http, 200, "application/json", &out);
    buf_release(&out);
}

/* The first item that failed; what may come to pass later goes before what never will, so that it is sent again. */
static const struct accept_item *worst(const struct accept_request *request)
{
    const struct accept_item *found = NULL;

    for (size_t i = 0; i < request->count; i++) {
        const struct accept_item *item = &request->items[i];
        bool later =
            item->outcome == ACCEPT_AWAY || item->outcome == ACCEPT_SLOW || item->outcome == ACCEPT_UNKNOWN;
        if (later || (item->outcome != ACCEPT_CREATED && !found))
            found = item;
        if (later)
            break;
    }
    return found;
}

static void on_done(const struct accept_request *request, void *arg)
{
    struct arrival *arrival = arg;
    const struct accept_item *failed = worst(request);

    if (failed) {
        struct problem problem = accept_problem(failed);
        inbound_refuse(arrival->door, arrival->http, &problem);
    } else {
        inbound_count(arrival->door, INBOUND_ACCEPTED);
        reply_created(arrival->http, request);
    }
    inbound_arrival_free(arrival);
}

/* Without the platform's own id its later changes would be about another record. */
static bool lacks_id(const struct arrival *arrival, size_t index, const struct json *body)
{
    struct buf pointer = BUF_INIT;

    if (!arrival->event->object || json_get(json_get(body, "data"), "id"))
        return false;
    translate_pointer(arrival, index, "/data/id", &pointer);
    inbound_refuse_member(arrival, pointer.data, "the platform's own id of the record is required");
    buf_release(&pointer);
    return true;
}

/* Answers 422 with the mistakes of an item, in the words of the webhook. */
static void refuse_item(const struct arrival *arrival, size_t index, const struct accept_item *item)
{
    struct json *errors = translate_errors(arrival, index, json_get(item->problem, "errors"));
    int64_t status = 422;

    json_int64(json_get(item->problem, "status"), &status);
    inbound_refuse(arrival->door, arrival->http,
                   &(struct problem){
                       .status = (int)status,
                       .type = "invalid-webhook",
                       .errors = json_count(errors) > 0 ? errors : NULL,
                       .detail = "What the webhook is about does not validate: errors names each member and "
                                 "what is wrong."});
    json_free(errors);
}

/* All objects of a webhook or none of them: its sender knows no halves. */
void inbound_enter(struct arrival *arrival)
{
    struct gateway *gateway = arrival->door->gateway;
    struct accept_context context = accept_context_of(gateway, arrival->http);
    struct identity identity = {.role = AUTH_SERVICE};
    struct accept_request *request = accept_request_inside(gateway, arrival->count, on_done, arrival);
    size_t len, i = 0;
    const char *bytes = http_body(arrival->http, &len);
    int failed = 0;

    snprintf(identity.subject, sizeof identity.subject, "webhook:%.32s", arrival->door->name);
    snprintf(identity.platform, sizeof identity.platform, "%.31s", arrival->door->name);
    context.identity = &identity;
    context.names_record = true;
    for (; i < arrival->count && !failed; i++) {
        struct json *body = new_event(arrival, i);
        struct buf key = BUF_INIT;
        buf_addf(&key, "%s\n%zu", arrival->key, i);
        if (lacks_id(arrival, i, body))
            failed = 1;
        else
            failed = accept_add(request, i, &context, &(struct accept_source){body, key.data, bytes, len});
        json_free(body);
        buf_release(&key);
    }
    if (!failed) {
        accept_enter_all(request);
        return;
    }
    if (failed < 0)
        refuse_item(arrival, i - 1, &request->items[i - 1]);
    accept_request_drop(request);
    inbound_arrival_free(arrival);
}
