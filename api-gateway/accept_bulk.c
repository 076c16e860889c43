/*
 * accept_bulk.c: POST /sync/events/bulk: an array, {"events": […]} or one event a line. Items are cut out of the text and parsed
 * one by one; a bad one does not refuse the others. One event has the same ceiling here as alone.
 */
#include <strings.h>

#include "accept_inside.h"

static void refuse_item(struct accept_item *item, const struct problem *problem)
{
    item->outcome = ACCEPT_INVALID;
    item->problem = http_problem_json(item->request->http, problem);
    stats_add(item->request->accept->invalid, 1);
}

/* Nothing of it is parsed. */
static void refuse_large(struct accept_item *item, size_t len, size_t max)
{
    char detail[200];
    snprintf(
        detail, sizeof detail,
        "The event at index %zu of this bulk has %zu bytes, and one event may have %zu: make it smaller.",
        (size_t)(item - item->request->items), len, max);
    refuse_item(item, &(struct problem){.status = 413, .type = "body-too-large", .detail = detail});
}

/* A bulk's key covers each item by its place; a line break stands in no key that a client can send. */
static const char *item_key(struct accept_request *request, const char *key, size_t index)
{
    char text[ACCEPT_KEY_MAX + 24];
    if (!key)
        return NULL;
    snprintf(text, sizeof text, "%s\n%zu", key, index);
    return arena_strdup(request->arena, text);
}

static void read_item(const struct accept_context *context, struct accept_item *item,
                      const struct slice *slice, const char *key, unsigned depth_max)
{
    struct json_error error;
    struct problem problem;
    bool ok;
    struct accept_request *request = item->request;
    struct json *errors = json_new_array();
    struct json *body = json_parse(slice->text, slice->len, depth_max, &error, &ok);
    if (!ok) {
        problem = (struct problem){.status = 400, .type = "not-json", .detail = error.detail};
        refuse_item(item, &problem);
    } else if (accept_parse(context, body, request->arena, &item->event, &problem, errors) < 0) {
        refuse_item(item, &problem);
    } else {
        item->key = item_key(request, key, (size_t)(item - request->items));
        accept_fingerprint(item, slice->text, slice->len);
    }
    json_free(body);
    json_free(errors);
}

static void refuse_bulk(struct http_request *http, int status, const char *type, const char *pointer,
                        const char *detail)
{
    struct json *errors = json_new_array(), *error = json_new_object();
    json_set(error, "pointer", json_new_text(pointer));
    json_set(error, "detail", json_new_text(detail));
    json_append(errors, error);
    http_problem(http, &(struct problem){.status = status, .type = type, .detail = detail, .errors = errors});
    json_free(errors);
}

/* Where the list begins, its end, by lines or not, and the pointer to it; -1 after having refused. */
static int find_list(struct gateway *gateway, struct http_request *http, struct slice *list, bool *lines,
                     const char **pointer)
{
    const char *type = http_header(http, "Content-Type");
    struct json_error error;
    size_t len;
    const char *text = http_body(http, &len);
    *list = (struct slice){text, len};
    *lines = type && strncasecmp(type, "application/x-ndjson", 20) == 0;
    *pointer = "";
    if (*lines)
        return 0;
    if (json_check(text, len, (unsigned)gateway->conf->json_depth_max, &error) < 0) {
        refuse_bulk(http, 400, "not-json", error.pointer, error.detail);
        return -1;
    }
    list->len = slice_trim(&list->text, len);
    if (*list->text == '{')
        *pointer = "/events";
    if (*list->text == '{' && !slice_member(list->text, list->len, "events", list)) {
        refuse_bulk(http, 422, "invalid-bulk", *pointer, "events is required: the array of events");
        return -1;
    }
    if (*list->text != '[') {
        refuse_bulk(http, 422, "invalid-bulk", *pointer,
                    "the body must be an array of events, {\"events\": […]}, or one event a line");
        return -1;
    }
    *list = (struct slice){list->text + 1, list->len - 2};
    return 0;
}

typedef bool (*next_item)(const char **at, const char *end, struct slice *item);

void accept_bulk(struct http_request *http, void *arg)
{
    struct gateway *gateway = arg;
    struct slice list, item;
    const char *key, *pointer;
    bool lines;
    if (find_list(gateway, http, &list, &lines, &pointer) < 0 || accept_read_key(http, &key) < 0)
        return;
    next_item next = lines ? slice_next_line : slice_next_element;
    const char *at = list.text, *end = list.text + list.len;
    size_t count = 0;
    while (count <= (size_t)gateway->conf->bulk_events_max && next(&at, end, &item))
        count++;
    if (count == 0) {
        refuse_bulk(http, 422, "invalid-bulk", pointer, "there is no event in it");
    } else if (count > (size_t)gateway->conf->bulk_events_max) {
        char detail[128];
        snprintf(detail, sizeof detail,
                 "there are more events in it than the %lld that one request may carry: send it in parts",
                 (long long)gateway->conf->bulk_events_max);
        refuse_bulk(http, 413, "too-many-events", pointer, detail);
    } else if (accept_is_known(gateway, http)) {
        struct accept_context context = accept_context_of(gateway, http);
        struct accept_request *request = accept_request_new(gateway, http, true, count);
        at = list.text;
        for (size_t i = 0; i < count && next(&at, end, &item); i++)
            if (item.len > (size_t)gateway->conf->body_max)
                refuse_large(&request->items[i], item.len, (size_t)gateway->conf->body_max);
            else
                read_item(&context, &request->items[i], &item, key, (unsigned)gateway->conf->json_depth_max);
        http_release_body(http);
        accept_enter_all(request);
    }
}
