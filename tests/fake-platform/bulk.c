/*
 * bulk.c: takes a bulk: {"events":[…]}, each item the body of a single delivery with `operation` and `webhook_id`; answers
 * {"results":[{"event_id","status","id"} …]}, one per item in order, status as an HTTP status.
 *
 * Rules strike the bulk as a whole or single items of it (faults.h); each item is applied, or refused, by itself.
 */
#include <inttypes.h>

#include "mem.h"
#include "platform_impl.h"

#define EVENTS_MAX 10000

struct bulk {
    struct platform *platform;
    struct json *body;
    struct delivery *items;
    int *statuses;
    size_t count;
    const char **ids; /* of all items, NULL-terminated */
    struct buf out;
};

/* "user_created" is about a user; what names no entity of ours is operational. */
static void read_entity(struct delivery *item)
{
    const char *type = json_get_text(item->body, "event_type"),
               *operation = json_get_text(item->body, "operation");
    const char *last = type ? strrchr(type, '_') : NULL;

    snprintf(item->entity, sizeof item->entity, "%.*s", last ? (int)(last - type) : 0, type ? type : "");
    item->has_record = records_id_names(item->entity) != NULL;
    snprintf(item->operation, sizeof item->operation, "%s", operation ? operation : "");
    if (!item->has_record)
        snprintf(item->entity, sizeof item->entity, "%s", type ? type : "");
    if (item->has_record && delivery_operation(item->operation) < 0)
        delivery_refuse(item, 422, "operation must be create, update or delete");
    if (!json_get_text(item->body, "webhook_id"))
        delivery_refuse(item, 422, "an item needs its webhook_id");
}

static void read_items(struct bulk *bulk, const struct json *events)
{
    size_t ids = 0;

    bulk->count = json_count(events);
    bulk->items = mem_array(bulk->count + 1, sizeof *bulk->items);
    bulk->statuses = mem_array(bulk->count + 1, sizeof *bulk->statuses);
    bulk->ids = mem_array(bulk->count * 8 + 1, sizeof *bulk->ids);
    for (size_t i = 0; i < bulk->count; i++) {
        struct delivery *item = &bulk->items[i];
        item->body = json_at(events, i);
        read_entity(item);
        delivery_read(item);
        for (size_t n = 0; item->ids[n]; n++)
            bulk->ids[ids++] = item->ids[n];
    }
}

/* Why it is no bulk, or NULL. */
static const char *read_bulk(struct bulk *bulk, const struct http_request *request)
{
    struct json_error error;
    const struct json *events;
    bool ok;

    bulk->body = json_parse(request->body, request->body_len, JSON_DEPTH_MAX, &error, &ok);
    events = ok ? json_get(bulk->body, "events") : NULL;
    if (json_type(events) != JSON_ARRAY || json_count(events) < 1 || json_count(events) > EVENTS_MAX)
        return "a bulk is {\"events\":[...]}, of 1 to 10000 items";
    for (size_t i = 0; i < json_count(events); i++)
        if (json_type(json_at(events, i)) != JSON_OBJECT)
            return "each item must be an object";
    read_items(bulk, events);
    return NULL;
}

static void take_item(struct bulk *bulk, size_t i)
{
    struct platform *platform = bulk->platform;
    struct delivery *item = &bulk->items[i];
    struct fault_subject subject = {"", item->entity, item->operation, item->tenant, item->ids, FAULT_ITEM};
    struct fault fault = {NULL, true, false};
    struct http_answer answer = {0};
    bool struck = faults_strike(platform->faults, &subject, &fault, &answer);

    bulk->statuses[i] = 200;
    buf_reset(&platform->out);
    if (item->refusal || fault.apply)
        bulk->statuses[i] = delivery_apply(platform, item);
    if (struck && fault.replaces_answer)
        bulk->statuses[i] = answer.status;
}

/* The item's line in the answer; the own id and the error are those of the answer to a single call, in platform->out. */
static void write_item(struct bulk *bulk, size_t i, const char *fault)
{
    const char *event = json_get_text(bulk->items[i].body, "event_id");
    struct json_error error;
    struct json *answer, *id;
    bool ok;

    if (bulk->out.data[bulk->out.len - 1] != '[')
        buf_add_ch(&bulk->out, ',');
    buf_add_str(&bulk->out, "{\"event_id\":");
    if (strcmp(fault, "foreign_ids") == 0)
        buf_addf(&bulk->out, "\"00000000-0000-7000-8000-%012zu\"", i);
    else
        buf_add_json(&bulk->out, event ? event : "", event ? strlen(event) : 0);
    if (strcmp(fault, "no_statuses") != 0)
        buf_addf(&bulk->out, ",\"status\":%d", bulk->statuses[i]);
    answer = json_parse(bulk->platform->out.data, bulk->platform->out.len, JSON_DEPTH_MAX, &error, &ok);
    if (ok && (id = json_get(answer, "id"))) {
        buf_add_str(&bulk->out, ",\"id\":");
        json_write(&bulk->out, id);
    }
    json_free(answer);
    buf_add_ch(&bulk->out, '}');
}

static void take_items(struct bulk *bulk, const char *fault)
{
    size_t shown = strcmp(fault, "too_few") == 0 ? bulk->count / 2 : bulk->count;

    buf_add_str(&bulk->out,
                strcmp(fault, "no_results") == 0 ? "{\"success\":true,\"taken\":[" : "{\"results\":[");
    for (size_t i = 0; i < bulk->count; i++) {
        take_item(bulk, i);
        if (i < shown)
            write_item(bulk, i, fault);
    }
    buf_add_str(&bulk->out, "]}");
}

static void note_items(struct bulk *bulk, int status, const char *fault)
{
    for (size_t i = 0; i < bulk->count; i++) {
        const struct delivery *item = &bulk->items[i];
        struct received_facts facts = {.record = item->order_key[0] ? item->order_key : NULL,
                                       .version = item->version,
                                       .status = status == 200 ? bulk->statuses[i] : status,
                                       .fault = fault};
        received_add_item(bulk->platform->received, json_get_text(item->body, "webhook_id"), &facts);
    }
}

static void settle(struct bulk *bulk, struct http_conn *conn, const struct http_request *request)
{
    struct fault_subject subject = {request->path, "bulk", "bulk", "", bulk->ids, FAULT_BULK};
    struct fault fault = {NULL, true, false};
    struct http_answer answer = {0};
    bool struck = faults_strike(bulk->platform->faults, &subject, &fault, &answer);
    struct received_facts facts = {.fault = fault.action, .items = bulk->statuses, .item_count = bulk->count};

    if (fault.apply)
        take_items(bulk, struck ? fault.action : "");
    if (!struck || !fault.replaces_answer) {
        answer.status = 200;
        answer.body = bulk->out.data;
        answer.body_len = bulk->out.len;
    }
    facts.status = answer.ending == HTTP_WHOLE ? answer.status : 0;
    received_add(bulk->platform->received, request, &facts);
    note_items(bulk, facts.status, fault.action);
    http_answer(conn, &answer);
}

void bulk_request(struct platform *platform, struct http_conn *conn, const struct http_request *request)
{
    struct bulk bulk = {.platform = platform};
    const char *why = "the signature does not hold";
    int refusal = 401;

    buf_init(&bulk.out);
    if (delivery_is_signed(platform, request)) {
        refusal = 400;
        why = read_bulk(&bulk, request);
    }
    if (why) {
        received_add(platform->received, request, &(struct received_facts){.status = refusal});
        platform_answer_error(platform, conn, refusal, why);
    } else {
        settle(&bulk, conn, request);
    }
    buf_release(&bulk.out);
    free(bulk.items);
    free(bulk.statuses);
    free(bulk.ids);
    json_free(bulk.body);
}
