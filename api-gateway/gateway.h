/*
 * gateway.h: the modules of the API gateway.
 *
 *   routes         what is served, and to whom; one table
 *   accept_parse   a body becomes an event, or a list of mistakes (pure)
 *   accept_slice   where the items of a bulk begin and end (pure)
 *   accept         requests that create events: their items and their answers
 *   accept_bulk    the same, many at once
 *   accept_keys    idempotency: equal keys share one answer;  accept_owners  lost keys find their owner
 *   accept_commit  group commit: what waits leaves together, while one commit runs the rest gathers
 *   inbound        platforms' own webhooks: who they are;  inbound_event  what they say;  inbound_keys  the shop's keys
 *   backfill       first syncs: see backfill_inside.h
 *   event_json     an event and its results as JSON;  event_get, event_list, event_retry  read and repeat
 *   changes        statements of requests that change something: PostgreSQL may fall silent meanwhile
 *   record_get     records, users and versions: see record.h;  user_post  a user as the original takes it
 *   conflict_…     conflicts between platforms, and what people decide: see conflict_inside.h
 *   policies_…     a tenant's own policies, version by version: see policies_inside.h
 *   link_…         who is one person under several ids: see link_inside.h
 *   brakes         flows that are paused because too much was changed at once
 *   alerts         what people must know;  cursor  where a page of a list ended
 *   status         health, readiness, what waits where;  metrics  counts and percentiles from the counters
 *   preview        what each target would get for an event
 *   answer         writes JSON text
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "belt.h"
#include "buf.h"
#include "conf.h"
#include "db.h"
#include "http.h"
#include "mem.h"
#include "platform.h"
#include "service.h"
#include "store.h"
#include "stream.h"
#include "transfer.h"

struct accept;
struct backfill;
struct changes;
struct inbound;
struct policy_set;
struct status;

/* Owner of everything in it: main. */
struct gateway {
    struct service *service;
    struct conf *conf;
    struct store *store;
    struct stream *belt;
    struct belt_activity *activity;
    struct platform_set *platforms; /* replaced at reload: nobody keeps a pointer into it past the call */
    struct policy_set *policies;    /* of the file; what a tenant writes is held against it */
    struct transfers *transfers;    /* for what the gateway itself asks of platforms */
    struct http *http;
    struct accept *accept;
    struct changes *changes;
    struct backfill *backfill;
    struct inbound *inbound;
    struct status *status;
    unsigned simulations; /* of conflicts, running: conflict_simulate.c */
};

/* routes.c: the argument of every handler is the gateway. */
extern const struct http_route gateway_routes[];
extern const size_t gateway_route_count;

/* openapi.json as it was built in; tools/embed. */
extern const char docs_openapi[];

/* ---- accept_parse.c ---- */

/* A test compares it with the table of types. */
#define GATEWAY_EVENT_TYPES_TEXT                                                                          \
    "one of user, lead, order, campaign and product with _created, _updated or _deleted behind it, such " \
    "as user_created; or analytics_updated, system_health, performance_metrics or config_changed"

#define ACCEPT_CLIENT_ID_MAX 128 /* characters */
#define ACCEPT_KEY_MAX 255       /* bytes */
#define ACCEPT_NO_TIME INT64_MIN

struct accept_context {
    const struct platform_set *platforms;
    const struct identity *identity;
    const char *trace; /* traceparent, or NULL */
    int64_t now_ms;    /* database time */
    int64_t max_retries;
    bool
        names_record; /* data's _sync_metadata.record_id is believed, whatever the platform's file says of echo */
};

/* Texts live in the arena that was given. */
struct accept_event {
    struct uuid id;
    struct uuid record_id; /* as hashed; record_ids may say otherwise */
    struct uuid named_id;  /* our own record id, when the data brings it back; nil: none */
    enum event_type type;
    enum priority priority;
    int priority_given, max_retries;
    int64_t base_version; /* 0: none given */
    int64_t occurred_ms, deliver_ms, expires_ms;
    const char *tenant, *source, *targets;             /* targets with commas */
    const char *client_id, *user_id, *subject, *trace; /* NULL: none */
    const char *entity_id;                             /* "" for operational data */
    const char *data;                                  /* a format byte, then JSON text */
    size_t data_len;
    struct uuid backfill; /* the job whose row this is; nil: a live change */
    int64_t snapshot_seq; /* of such a row: drawn before its page was asked for */
};

/* 0 and the event; -1 and the problem, whose mistakes stand in `errors` (an array of the caller's, empty so far). */
int accept_parse(const struct accept_context *context, const struct json *body, struct arena *arena,
                 struct accept_event *event, struct problem *problem, struct json *errors);
/* Adds a mistake with its JSON pointer to the list that a problem carries; the detail says what to change. */
void accept_mistake(struct json *errors, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void gateway_platform_names(struct buf *names, const struct platform_set *platforms); /* a, b, c */

/* ---- accept_slice.c ---- */

struct slice {
    const char *text;
    size_t len;
};
/* Walks the elements of a JSON array; the text is known to be JSON. `at` starts behind the bracket. false: no more. */
bool slice_next_element(const char **at, const char *end, struct slice *element);
/* The value of a member of the object that `text` is; false when there is none. */
bool slice_member(const char *text, size_t len, const char *name, struct slice *value);
/* The next line that is not blank, without white space around it. */
bool slice_next_line(const char **at, const char *end, struct slice *line);
size_t slice_trim(const char **text, size_t len); /* takes white space off both ends; the length left */

/* ---- accept.c ---- */

struct accept *accept_new(struct gateway *gateway);
void accept_free(struct accept **accept);
void accept_one(struct http_request *http, void *arg);
void accept_bulk(struct http_request *http, void *arg);
bool accept_writable(
    const struct accept *accept); /* false: PostgreSQL has just refused to store anything at all */
/* Calls back once no commit runs and nothing waits for one. */
void accept_drain(struct accept *accept, void (*drained)(void *arg), void *arg);

/* ---- inbound.c ---- */

struct inbound *inbound_new(struct gateway *gateway);
void inbound_free(struct inbound **inbound);
void inbound_post(struct http_request *http, void *arg);

/* ---- events ---- */

void event_get(struct http_request *request, void *arg);
void event_list(struct http_request *request, void *arg);
void event_retry(struct http_request *request, void *arg);

/* event_json.c: one row of get_event.sql or list_events.sql as the members of an event. */
void event_json_members(struct buf *out, const struct db_result *result, size_t row);
/* The id that clients know the event by: their own, else ours. */
void event_json_id(const struct db_result *result, size_t row, struct buf *out);
const char *event_json_status(const struct db_result *result, size_t row);
/* "results" and, when there are others, "also", from all rows of get_event.sql. */
void event_json_results(struct buf *out, const struct db_result *result);

/* cursor.c: the member next_cursor of a page in order of ids, which shows so many rows (null when no more follow). */
void cursor_answer(struct buf *out, const struct db_result *result, size_t shown, bool more);
/* A cursor given back; -1: it is none of ours. */
int cursor_read(const char *cursor, struct uuid *id);
/* The same for a page in order of numbers that are not negative. */
#define CURSOR_NO_NUMBER (-1) /* no more follow */
void cursor_answer_number(struct buf *out, int64_t number);
int cursor_read_number(const char *cursor, int64_t *number);

/* ---- records and users ---- */

void record_get(struct http_request *request, void *arg);
void record_find(struct http_request *request, void *arg);
void record_versions(struct http_request *request, void *arg);
void user_get(struct http_request *request, void *arg);
void user_post(struct http_request *request, void *arg);

/* ---- conflicts ---- */

void link_list(struct http_request *request, void *arg);
void link_get(struct http_request *request, void *arg);
void link_post(struct http_request *request, void *arg);
void link_confirm(struct http_request *request, void *arg);
void link_refuse(struct http_request *request, void *arg);
void link_delete(struct http_request *request, void *arg);
void conflict_list(struct http_request *request, void *arg);
void conflict_get(struct http_request *request, void *arg);
void conflict_resolve(struct http_request *request, void *arg);
void conflict_undo(struct http_request *request, void *arg);
void conflict_simulate(struct http_request *request, void *arg);

/* ---- policies of a tenant's own ---- */

void policies_get(struct http_request *request,
                  void *arg); /* the newest version, or the one that the path names */
void policies_list(struct http_request *request, void *arg);
void policies_put(struct http_request *request, void *arg);

/* ---- brakes ---- */

void brake_list(struct http_request *request, void *arg);
void brake_release(struct http_request *request, void *arg);
void brake_drop(struct http_request *request, void *arg);

/* ---- first syncs ---- */

struct backfill *backfill_new(struct gateway *gateway);
void backfill_free(struct backfill **backfill);
void backfill_drain(
    struct backfill *backfill); /* leaves its jobs to the other gateways; the last pages end in accept */
void backfill_post(struct http_request *request, void *arg);
void backfill_list(struct http_request *request, void *arg);
void backfill_get(struct http_request *request, void *arg);
void backfill_patch(struct http_request *request, void *arg);
void backfill_delete(struct http_request *request, void *arg);
void backfill_put_part(struct http_request *request, void *arg);

/* ---- verifications ---- */

void verification_post(struct http_request *request, void *arg);
void verification_list(struct http_request *request, void *arg);
void verification_get(struct http_request *request, void *arg);
void verification_patch(struct http_request *request, void *arg);
void verification_delete(struct http_request *request, void *arg);

/* ---- alerts ---- */

void alert_list(struct http_request *request, void *arg);

/* ---- status ---- */

struct status *status_new(struct gateway *gateway);
void status_free(struct status **status);
void status_root(struct http_request *request, void *arg);
void status_health(struct http_request *request, void *arg);
void status_livez(struct http_request *request, void *arg);
void status_readyz(struct http_request *request, void *arg);
void status_sync(struct http_request *request, void *arg);
void metrics_get(struct http_request *request, void *arg);
void openapi_get(struct http_request *request, void *arg);

/* preview.c */
void preview_post(struct http_request *request, void *arg);

/* ---- answers that several give ---- */

void gateway_refuse_database(struct http_request *request, enum db_status status,
                             const struct db_result *result);
void gateway_not_found(struct http_request *request);
/* Of lists and counts: the tenant asked for is not the token's; whether there is such a tenant stays unsaid. */
void gateway_refuse_tenant(struct http_request *request);
/* A query parameter that does not validate. */
void gateway_refuse_parameter(struct http_request *request, const char *name, const char *detail);
/* The whole number of a query parameter, `fallback` when it is absent; -1 after having refused one outside. */
int gateway_query_int(struct http_request *request, const char *name, int64_t lowest, int64_t highest,
                      int64_t fallback, int64_t *value);
