/*
 * inbound_event.c: the verified body of a webhook: which event it is, what it is about, for which tenant, and whether it came before.
 *
 * What tells a repetition from another webhook: in Standard Webhooks its id; of Saleor, which has none, the event's name with
 * the body, in which issuedAt makes each one different. Senders try again on errors, so what nobody asked for is no error.
 */
#include "inbound.h"

#include "answer.h"
#include "clock.h"
#include "digest.h"
#include "log.h"
#include "timefmt.h"

#define OBJECTS_MAX 100    /* of one webhook */
#define NAME_MAX_BYTES 100 /* of an event; longer ones are cut, and so not known */
#define MS_PER_HOUR 3600000

void inbound_arrival_free(struct arrival *arrival)
{
    json_free(arrival->objects);
    json_free(arrival->pointers);
    free((char *)arrival->name);
    free(arrival->key);
    free(arrival);
}

static struct json *new_errors(const char *pointer, const char *detail)
{
    struct json *errors = json_new_array(), *error = json_new_object();

    json_set(error, "pointer", json_new_text(pointer));
    json_set(error, "detail", json_new_text(detail));
    json_append(errors, error);
    return errors;
}

int inbound_refuse_member(const struct arrival *arrival, const char *pointer, const char *detail)
{
    struct json *errors = new_errors(pointer, detail);

    inbound_refuse(
        arrival->door, arrival->http,
        &(struct problem){.status = 422, .type = "invalid-webhook", .detail = detail, .errors = errors});
    json_free(errors);
    return -1;
}

static int ignore(const struct arrival *arrival, const char *why)
{
    struct buf out = BUF_INIT;

    inbound_count(arrival->door, INBOUND_IGNORED);
    log_info("webhook ignored", LOG_STR("platform", arrival->door->name), LOG_STR("event", arrival->name),
             LOG_STR("why", why));
    answer_open(&out, NULL, '{');
    answer_text(&out, "status", "ignored");
    answer_text(&out, "reason", why);
    answer_close(&out, '}');
    http_reply(arrival->http, 200, "application/json", &out);
    buf_release(&out);
    return -1;
}

/* ---- which event ---- */

/* CustomerUpdated is customer_updated. */
static char *snake_case(const char *typename)
{
    struct buf name = BUF_INIT;

    for (const char *at = typename; *at && name.len < NAME_MAX_BYTES; at++) {
        bool capital = *at >= 'A' && *at <= 'Z';
        if (capital && at > typename)
            buf_add_ch(&name, '_');
        buf_add_ch(&name, capital ? (char)(*at - 'A' + 'a') : *at);
    }
    return buf_detach(&name, NULL);
}

/* The header is not under the signature, __typename in the body is: a change must not be turned into a deletion. */
static int name_saleor_event(struct arrival *arrival)
{
    const char *header = http_header(arrival->http, "Saleor-Event"), *type = NULL;

    if (!header)
        header = http_header(arrival->http, "X-Saleor-Event");
    if (json_type(arrival->body) == JSON_OBJECT)
        type = json_get_text(arrival->body, "__typename");
    if (!header && !type)
        return inbound_refuse_member(
            arrival, "",
            "Neither the header Saleor-Event nor __typename in the body says which event this is.");
    arrival->name = type ? snake_case(type) : mem_strndup(header, strnlen(header, NAME_MAX_BYTES));
    if (header && strcasecmp(header, arrival->name) != 0)
        return inbound_refuse_member(
            arrival, "/__typename",
            "__typename in the body is another event than the header Saleor-Event names.");
    return 0;
}

static int name_standard_event(struct arrival *arrival)
{
    const char *name = json_get_text(arrival->body, "type");

    if (!name)
        name = json_get_text(arrival->body, "event_type");
    if (!name)
        return inbound_refuse_member(arrival, "/type",
                                     "type is required: the name of the event, such as user_updated");
    arrival->name = mem_strndup(name, strnlen(name, NAME_MAX_BYTES));
    return 0;
}

/* Standard webhooks may speak our own words without a row in the file. */
static int find_event(struct arrival *arrival)
{
    bool standard = arrival->inbound->dialect == PLATFORM_STANDARD;

    if (json_type(arrival->body) != JSON_OBJECT && (standard || json_type(arrival->body) != JSON_ARRAY))
        return inbound_refuse_member(arrival, "", "The body must be an object.");
    if ((standard ? name_standard_event : name_saleor_event)(arrival) < 0)
        return -1;
    arrival->event = platform_inbound_event(arrival->inbound, arrival->name);
    if (arrival->event)
        return 0;
    arrival->own = (struct inbound_event){.name = arrival->name, .path = "data"};
    arrival->event = &arrival->own;
    if (standard && msg_event_type(arrival->name, &arrival->own.type) == 0)
        return 0;
    return ignore(arrival, "the platform's file does not name this event");
}

/* ---- its objects ---- */

static void add_object(struct arrival *arrival, const struct json *from, const char *prefix)
{
    const struct inbound_event *event = arrival->event;
    const struct json *object = event->path[0] ? inbound_find(from, event->path) : from;
    struct buf pointer = BUF_INIT;

    buf_add_str(&pointer, prefix);
    if (!object && *prefix)
        object = from; /* an element of a list may be the object itself */
    else
        for (const char *at = event->path; *at; at++) {
            if (at == event->path)
                buf_add_ch(&pointer, '/');
            buf_add_ch(&pointer, *at == '.' ? '/' : *at);
        }
    json_append(arrival->objects, json_ref((struct json *)object));
    json_append(arrival->pointers, json_new_text(pointer.data));
    buf_release(&pointer);
}

static int find_objects(struct arrival *arrival)
{
    const struct json *body = arrival->body;
    char detail[160];

    arrival->objects = json_new_array();
    arrival->pointers = json_new_array();
    if (json_type(body) == JSON_ARRAY && (json_count(body) == 0 || json_count(body) > OBJECTS_MAX))
        return inbound_refuse_member(arrival, "", "A list must hold 1 to 100 objects.");
    if (json_type(body) != JSON_ARRAY)
        add_object(arrival, body, "");
    for (size_t i = 0; json_type(body) == JSON_ARRAY && i < json_count(body); i++) {
        char prefix[24];
        snprintf(prefix, sizeof prefix, "/%zu", i);
        add_object(arrival, json_at(body, i), prefix);
    }
    arrival->count = json_count(arrival->objects);
    for (size_t i = 0; i < arrival->count; i++) {
        enum json_type type = json_type(json_at(arrival->objects, i));
        if (type == JSON_OBJECT)
            continue;
        snprintf(detail, sizeof detail, "%.60s must have the object that it is about here, not %s",
                 arrival->name, json_type_name(type));
        return inbound_refuse_member(arrival, json_text(json_at(arrival->pointers, i), NULL), detail);
    }
    return 0;
}

/* Leaves what concerns a record, in its place; the others are no mistakes. */
static int drop_unconcerned(struct arrival *arrival)
{
    struct json *objects = json_new_array(), *pointers = json_new_array();

    for (size_t i = 0; i < arrival->count; i++) {
        struct json *object = json_at(arrival->objects, i);
        if (arrival->event->object &&
            !inbound_concerns(arrival->event->object, object, msg_event_verb(arrival->event->type)))
            continue;
        json_append(objects, json_ref(object));
        json_append(pointers, json_ref(json_at(arrival->pointers, i)));
    }
    json_free(arrival->objects);
    json_free(arrival->pointers);
    arrival->objects = objects;
    arrival->pointers = pointers;
    arrival->count = json_count(objects);
    return arrival->count > 0
               ? 0
               : ignore(arrival, "it is about something that is not synchronized, or not complete yet");
}

/* ---- its tenant, time and key ---- */

static int find_tenant(struct arrival *arrival)
{
    const char *query = http_query(arrival->http, "tenant_id"), *body = NULL;

    if (json_type(arrival->body) == JSON_OBJECT)
        body = json_get_text(arrival->body, "tenant_id");
    if (query && !*query)
        query = NULL;
    if (query && body && strcmp(query, body) != 0) {
        inbound_refuse(
            arrival->door, arrival->http,
            &(struct problem){.status = 403,
                              .type = "foreign-tenant",
                              .detail = "The webhook's body, which is signed, is for another tenant than "
                                        "tenant_id in the address names."});
        return -1;
    }
    arrival->tenant = body ? body : query ? query : arrival->inbound->tenant;
    /* The address is not signed: where a tenant is configured, what was once seen must not come in for another. */
    if (query && !body && arrival->inbound->tenant && strcmp(query, arrival->inbound->tenant) != 0) {
        inbound_refuse(arrival->door, arrival->http,
                       &(struct problem){.status = 403,
                                         .type = "foreign-tenant",
                                         .detail = "This platform's webhooks are configured for another "
                                                   "tenant than tenant_id in the address names."});
        return -1;
    }
    if (!arrival->tenant)
        return inbound_refuse_member(
            arrival, "/tenant_id",
            "Nothing says which tenant this is for: put ?tenant_id= behind the address, or configure one.");
    return 0;
}

const char *inbound_time(const struct arrival *arrival)
{
    const struct json *body = arrival->body;
    const struct json *first = json_type(body) == JSON_ARRAY ? json_at(body, 0) : body;
    const char *text =
        json_get_text(first, arrival->inbound->dialect == PLATFORM_SALEOR ? "issuedAt" : "timestamp");

    return text ? text : json_get_text(json_get(first, "meta"), "issued_at");
}

/* Keys are kept for IDEMPOTENCY_HOURS: whether an older webhook came before, nobody can tell. */
static int check_saleor_time(const struct arrival *arrival)
{
    const char *text = inbound_time(arrival);
    int64_t issued_ms, kept_ms = arrival->door->gateway->conf->idempotency_hours * MS_PER_HOUR;

    if (!text || timefmt_parse(text, strlen(text), &issued_ms) != 0)
        return inbound_refuse_member(arrival, "/issuedAt",
                                     "issuedAt is required: ask for it in the webhook's subscription, as "
                                     "docs/saleor-webhooks.graphql does");
    if (clock_db_ms() - issued_ms > kept_ms)
        return inbound_refuse_member(
            arrival, "/issuedAt",
            "issuedAt is so long ago that this may be a repetition of what came before");
    return 0;
}

/* A line break stands in no key that a client can send. */
static int make_key(struct arrival *arrival)
{
    struct buf key = BUF_INIT;
    size_t len;
    const char *body = http_body(arrival->http, &len);

    if (arrival->inbound->dialect == PLATFORM_SALEOR && check_saleor_time(arrival) < 0)
        return -1;
    buf_addf(&key, "\ninbound\n%s\n", arrival->door->name);
    if (arrival->inbound->dialect == PLATFORM_SALEOR) {
        uint8_t hash[32];
        digest_sha256(body, len, hash);
        buf_addf(&key, "%.80s\n", arrival->name);
        buf_add_hex(&key, hash, sizeof hash);
    } else {
        buf_add_str(&key, http_header(arrival->http, "webhook-id"));
    }
    arrival->key = buf_detach(&key, NULL);
    return 0;
}

void inbound_deliver(const struct inbound_delivery *delivery)
{
    struct json *body = http_json(delivery->http);
    struct arrival *arrival;

    if (!body) { /* answered */
        inbound_count(delivery->door, INBOUND_REFUSED);
        return;
    }
    arrival = mem_alloc(sizeof *arrival);
    arrival->door = delivery->door;
    arrival->http = delivery->http;
    arrival->platform = delivery->platform;
    arrival->inbound = platform_inbound(delivery->platform);
    arrival->body = body;
    if (find_event(arrival) == 0 && find_objects(arrival) == 0 && drop_unconcerned(arrival) == 0 &&
        find_tenant(arrival) == 0 && make_key(arrival) == 0 &&
        accept_is_known(delivery->door->gateway, arrival->http))
        inbound_enter(arrival);
    else
        inbound_arrival_free(arrival);
}
