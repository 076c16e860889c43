/*
 * accept.c: requests that create events. A request is parsed at once, its items enter the queue in order of arrival, and it is
 * answered when each of them has its outcome: a 2xx only after the commit (I1).
 *
 * What would break: a request lives until its items are answered *and* let go of; the client may be told that the outcome is
 * unknown while a commit still holds the item.
 */
#include "accept_inside.h"
#include "answer.h"
#include "clock.h"
#include "hints.h"
#include "log.h"

#define ARENA_ONE 1024
#define ARENA_BULK 65536

/* ---- answers ---- */

struct problem accept_problem(const struct accept_item *item)
{
    switch (item->outcome) {
    case ACCEPT_MISMATCH:
        return (struct problem){
            .status = 422,
            .type = "idempotency-mismatch",
            .detail = "This Idempotency-Key, or this id, belongs to an event with another body: "
                      "send that body again, or take a new key."};
    case ACCEPT_AHEAD:
        return (struct problem){.status = 422,
                                .type = "base-version",
                                .detail =
                                    "base_version is above the record's current version: send the version "
                                    "that the change was made on, or leave base_version out."};
    case ACCEPT_REFUSED:
        return (struct problem){.status = 422,
                                .type = "not-storable",
                                .detail =
                                    "The database cannot hold a value of this event; look for numbers, times "
                                    "and texts at the edge of what is usual."};
    case ACCEPT_AWAY:
        if (item->request->accept->refused_ms > 0)
            return (struct problem){
                .status = 503,
                .type = "unavailable",
                .retry_after_s = ACCEPT_UNWRITABLE_MS / 1000,
                .detail = "The database takes no writes at the moment, perhaps because its disk is full; "
                          "nothing was stored. Send this again later."};
        return (struct problem){.status = 503,
                                .type = "unavailable",
                                .retry_after_s = 1,
                                .detail =
                                    "The database is away; nothing was stored. Send this again shortly."};
    case ACCEPT_SLOW:
        return (struct problem){.status = 503,
                                .type = "overloaded",
                                .retry_after_s = 1,
                                .detail = "The database is slow: this waited for its commit in vain, and "
                                          "nothing was stored. Send this again."};
    case ACCEPT_UNKNOWN:
        return (struct problem){
            .status = 503,
            .type = "outcome-unknown",
            .retry_after_s = 1,
            .detail = "The database went away during the commit: the event may be stored or not. "
                      "Send it again with the same Idempotency-Key or id to learn which."};
    case ACCEPT_WAITING:
    case ACCEPT_CREATED:
    case ACCEPT_INVALID:
        break;
    }
    bug("accept: outcome %d is no problem", (int)item->outcome);
}

static void write_result(struct buf *out, const struct accept_request *request,
                         const struct accept_item *item)
{
    answer_open(out, NULL, '{');
    answer_text(out, "status", item->outcome == ACCEPT_CREATED ? "created" : "refused");
    if (item->outcome == ACCEPT_CREATED) {
        answer_text(out, "event_id", item->event_id);
    } else {
        struct problem problem = {0};
        struct buf text = BUF_INIT;
        struct json *json = item->problem;
        if (!json) {
            problem = accept_problem(item);
            json = http_problem_json(request->http, &problem);
        }
        json_write(&text, json);
        answer_json(out, "error", text.data, text.len);
        buf_release(&text);
        if (json != item->problem)
            json_free(json);
    }
    answer_close(out, '}');
}

/* When nothing at all got through, the whole request is what can be sent again: 503 says so to every client. */
static const struct accept_item *common_failure(const struct accept_request *request)
{
    const struct accept_item *first = NULL;
    for (size_t i = 0; i < request->count; i++) {
        const struct accept_item *item = &request->items[i];
        if (item->outcome == ACCEPT_INVALID)
            continue;
        if (item->outcome != ACCEPT_AWAY && item->outcome != ACCEPT_SLOW && item->outcome != ACCEPT_UNKNOWN)
            return NULL;
        if (!first || item->outcome == ACCEPT_UNKNOWN)
            first = item;
    }
    return first;
}

static void reply_bulk(struct accept_request *request)
{
    struct buf out = BUF_INIT;
    answer_open(&out, NULL, '{');
    answer_open(&out, "results", '[');
    for (size_t i = 0; i < request->count; i++)
        write_result(&out, request, &request->items[i]);
    answer_close(&out, ']');
    answer_close(&out, '}');
    http_reply(request->http, 200, "application/json", &out);
    buf_release(&out);
}

static void reply_created(struct accept_request *request)
{
    struct buf out = BUF_INIT;
    answer_open(&out, NULL, '{');
    answer_text(&out, "event_id", request->items[0].event_id);
    answer_text(&out, "status", "created");
    answer_close(&out, '}');
    http_reply(request->http, 200, "application/json", &out);
    buf_release(&out);
}

static void tell_done(struct accept_request *request)
{
    accept_done done = request->done;
    request->done = NULL;
    done(request, request->done_arg);
}

static void reply(struct accept_request *request)
{
    const struct accept_item *failure = common_failure(request);
    if (request->done) {
        tell_done(request);
        return;
    }
    if (!failure && !request->bulk && request->items[0].outcome != ACCEPT_CREATED)
        failure = &request->items[0];
    if (failure) {
        struct problem problem = accept_problem(failure);
        http_problem(request->http, &problem);
    } else if (request->bulk) {
        reply_bulk(request);
    } else {
        reply_created(request);
    }
    request->http = NULL;
}

/* ---- the life of a request ---- */

struct accept_request *accept_request_new(struct gateway *gateway, struct http_request *http, bool bulk,
                                          size_t count)
{
    struct accept_request *request = mem_alloc(sizeof *request);
    request->accept = gateway->accept;
    request->http = http;
    request->arena = arena_new(bulk ? ARENA_BULK : ARENA_ONE);
    request->bulk = bulk;
    request->count = count;
    request->items = mem_array(count, sizeof *request->items);
    for (size_t i = 0; i < count; i++) {
        request->items[i].request = request;
        TAILQ_INIT(&request->items[i].followers);
    }
    return request;
}

struct accept_request *accept_request_inside(struct gateway *gateway, size_t count, accept_done done,
                                             void *arg)
{
    struct accept_request *request = accept_request_new(gateway, NULL, count > 1, count);
    request->done = done;
    request->done_arg = arg;
    return request;
}

static void request_free(struct accept_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        json_free(request->items[i].problem);
    free(request->items);
    arena_free(&request->arena);
    free(request);
}

void accept_request_drop(struct accept_request *request)
{
    request_free(request);
}

static struct stat *stat_of(struct accept *accept, enum accept_outcome outcome)
{
    switch (outcome) {
    case ACCEPT_INVALID:
    case ACCEPT_AHEAD:
    case ACCEPT_REFUSED:
        return accept->invalid;
    case ACCEPT_MISMATCH:
        return accept->mismatched;
    case ACCEPT_AWAY:
        return accept->away;
    case ACCEPT_SLOW:
        return accept->slow;
    case ACCEPT_UNKNOWN:
        return accept->unknown;
    case ACCEPT_WAITING:
    case ACCEPT_CREATED:
        break;
    }
    return NULL;
}

void accept_set_event_id(struct accept_item *item, const char *text)
{
    item->event_id = arena_strdup(item->request->arena, text);
}

void accept_answer(struct accept_item *item, enum accept_outcome outcome)
{
    struct accept_request *request = item->request;
    if (item->outcome != ACCEPT_WAITING)
        return;
    item->outcome = outcome;
    if (stat_of(request->accept, outcome))
        stats_add(stat_of(request->accept, outcome), 1);
    if (--request->unanswered == 0 && (request->http || request->done))
        reply(request);
}

void accept_finish(struct accept_item *item, enum accept_outcome outcome)
{
    struct accept_request *request = item->request;
    accept_unclaim(item);
    accept_answer(item, outcome);
    accept_settle_followers(item, outcome);
    if (--request->held == 0 && request->unanswered == 0)
        request_free(request);
}

/* Enters what was parsed. Items finish later or, while this runs, not at all: the request cannot go away below. */
void accept_enter_all(struct accept_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        if (request->items[i].outcome == ACCEPT_WAITING)
            request->unanswered++;
    request->held = request->unanswered;
    if (request->unanswered == 0) {
        reply(request);
        request_free(request);
        return;
    }
    for (size_t i = 0; i < request->count; i++)
        if (request->items[i].outcome == ACCEPT_WAITING)
            accept_enter(&request->items[i]);
    accept_schedule(request->accept);
}

struct accept_context accept_context_of(const struct gateway *gateway, const struct http_request *http)
{
    return (struct accept_context){.platforms = gateway->platforms,
                                   .identity = http_identity(http),
                                   .trace = http_traceparent(http),
                                   .now_ms = clock_db_ms(),
                                   .max_retries = gateway->conf->retry_attempts};
}

int accept_add(struct accept_request *request, size_t index, const struct accept_context *context,
               const struct accept_source *source)
{
    struct accept_item *item = &request->items[index];
    struct json *errors = json_new_array();
    struct problem problem;
    int failed = accept_parse(context, source->body, request->arena, &item->event, &problem, errors);
    if (failed < 0) {
        item->outcome = ACCEPT_INVALID;
        item->problem = http_problem_json(request->http, &problem);
        stats_add(request->accept->invalid, 1);
    } else {
        item->key = arena_strdup(request->arena, source->key);
        accept_fingerprint(item, source->bytes, source->len);
    }
    json_free(errors);
    return failed;
}

/* ---- what both routes ask first ---- */

/* The key, NULL when there is none; -1 after having refused. */
int accept_read_key(struct http_request *http, const char **key)
{
    const char *given = http_header(http, "Idempotency-Key");
    *key = given;
    if (!given)
        return 0;
    size_t len = strlen(given);
    bool good = len > 0 && len <= ACCEPT_KEY_MAX;
    for (size_t i = 0; good && i < len; i++)
        good = given[i] >= ' ' && given[i] < 0x7f;
    if (good)
        return 0;
    http_problem(
        http, &(struct problem){.status = 400,
                                .type = "idempotency-key",
                                .detail = "Idempotency-Key must have 1 to 255 printable ASCII characters."});
    return -1;
}

/* Until the database was seen once, neither its fingerprint key nor its number of partitions is known. */
bool accept_is_known(struct gateway *gateway, struct http_request *http)
{
    struct accept *accept = gateway->accept;
    accept->known = accept->known || store_up(gateway->store);
    if (!accept->known && http)
        gateway_refuse_database(http, DB_AWAY, NULL);
    return accept->known;
}

/* ---- POST /sync/events ---- */

void accept_one(struct http_request *http, void *arg)
{
    struct gateway *gateway = arg;
    const char *key;
    size_t len;
    struct json *body = http_json(http);
    if (!body || accept_read_key(http, &key) < 0)
        return;
    struct accept_context context = accept_context_of(gateway, http);
    struct json *errors = json_new_array();
    struct problem problem;
    struct accept_request *request = accept_request_new(gateway, http, false, 1);
    struct accept_item *item = &request->items[0];
    if (accept_parse(&context, body, request->arena, &item->event, &problem, errors) < 0) {
        stats_add(gateway->accept->invalid, 1);
        http_problem(http, &problem);
        request_free(request);
    } else if (!accept_is_known(gateway, http)) {
        request_free(request);
    } else {
        const char *text = http_body(http, &len);
        item->key = arena_strdup(request->arena, key);
        accept_fingerprint(item, text, len);
        http_release_body(http);
        accept_enter_all(request);
    }
    json_free(errors);
}

/* ---- the module ---- */

struct accept *accept_new(struct gateway *gateway)
{
    struct accept *accept = mem_alloc(sizeof *accept);
    accept->gateway = gateway;
    accept->claims = map_new();
    accept->hints = hints_new(gateway->conf->stream_window);
    TAILQ_INIT(&accept->queue);
    TAILQ_INIT(&accept->ahead);
#define X(name, kind, metric, help) accept->name = stats_register(kind, metric, NULL, help);
    ACCEPT_STATS(X)
#undef X
    accept_commit_start(accept);
    return accept;
}

void accept_drain(struct accept *accept, void (*drained)(void *arg), void *arg)
{
    accept->drained = drained;
    accept->drained_arg = arg;
    accept_schedule(accept);
}

/* After the store is gone: its statements have ended, so no item is in a batch or behind a query. */
void accept_free(struct accept **accept)
{
    struct accept_item *item;
    while ((item = TAILQ_FIRST(&(*accept)->queue))) {
        TAILQ_REMOVE(&(*accept)->queue, item, link);
        item->request->http = NULL;
        item->request->done = NULL;
        accept_finish(item, ACCEPT_AWAY);
    }
    accept_commit_stop(*accept);
    map_free(&(*accept)->claims);
    hints_free(&(*accept)->hints);
    free(*accept);
    *accept = NULL;
}
