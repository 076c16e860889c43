/*
 * event_json.c: an event and its results as JSON, from the rows of get_event.sql and list_events.sql. Stored data goes out as
 * the text that came in. What is stored is final or pending; everything between is derived here (protocol.txt §1).
 */
#include "answer.h"
#include "gateway.h"
#include "log.h"
#include "msg.h"

#define TARGETS_MAX 64

static const char *text_of(const struct db_result *result, size_t row, const char *column)
{
    return db_get_text(result, row, db_column(result, column), NULL);
}

static int64_t int_of(const struct db_result *result, size_t row, const char *column)
{
    return db_get_int(result, row, db_column(result, column));
}

static int64_t time_of(const struct db_result *result, size_t row, const char *column)
{
    return db_get_time_ms(result, row, db_column(result, column));
}

static bool is_null(const struct db_result *result, size_t row, const char *column)
{
    return db_is_null(result, row, db_column(result, column));
}

static void member_text(struct buf *out, const char *key, const struct db_result *result, size_t row,
                        const char *column)
{
    answer_text(out, key, text_of(result, row, column));
}

static void member_int(struct buf *out, const char *key, const struct db_result *result, size_t row,
                       const char *column)
{
    if (is_null(result, row, column))
        answer_null(out, key);
    else
        answer_int(out, key, int_of(result, row, column));
}

static void member_time(struct buf *out, const char *key, const struct db_result *result, size_t row,
                        const char *column)
{
    answer_time(out, key, time_of(result, row, column));
}

static void member_uuid(struct buf *out, const char *key, const struct db_result *result, size_t row,
                        const char *column)
{
    struct uuid uuid;
    if (db_get_uuid(result, row, db_column(result, column), &uuid) == 0)
        answer_uuid(out, key, &uuid);
    else
        answer_null(out, key);
}

void event_json_id(const struct db_result *result, size_t row, struct buf *out)
{
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1];
    const char *own = text_of(result, row, "client_id");
    if (!own) {
        db_get_uuid(result, row, db_column(result, "id"), &uuid);
        uuid_format(&uuid, text);
        own = text;
    }
    buf_add_str(out, own);
}

const char *event_json_status(const struct db_result *result, size_t row)
{
    enum event_status status = (enum event_status)int_of(result, row, "status");
    if (status == EVENT_STATUS_PENDING && db_get_bool(result, row, db_column(result, "scheduled")))
        return "scheduled";
    if (status == EVENT_STATUS_ROUTED && int_of(result, row, "dead_count") > 0)
        return "failed";
    if (status == EVENT_STATUS_ROUTED && db_get_bool(result, row, db_column(result, "waits")))
        return "retry";
    if (status == EVENT_STATUS_COMPLETED && !is_null(result, row, "conflict"))
        return strcmp(text_of(result, row, "conflict"), "waiting") == 0 ? "conflict" : "processing";
    return msg_event_status_name(status);
}

static void add_data(struct buf *out, const struct db_result *result, size_t row)
{
    size_t len;
    const char *data = db_get_bytes(result, row, db_column(result, "data"), &len);
    if (data && len > 1 && data[0] == BODY_PLAIN)
        answer_json(out, "data", data + 1, len - 1);
    else
        answer_null(out, "data");
}

static void add_targets(struct buf *out, const struct db_result *result, size_t row)
{
    const char *names[TARGETS_MAX];
    size_t lens[TARGETS_MAX];
    size_t count = db_get_texts(result, row, db_column(result, "target_platforms"), names, lens, TARGETS_MAX);
    answer_open(out, "target_platforms", '[');
    for (size_t i = 0; i < count && i < TARGETS_MAX; i++)
        answer_text_len(out, NULL, names[i], lens[i]);
    answer_close(out, ']');
}

static void add_duration(struct buf *out, const struct db_result *result, size_t row)
{
    int64_t end_ms = time_of(result, row, "processed_at");
    if (end_ms == INT64_MIN)
        answer_null(out, "processing_time_ms");
    else
        answer_int(out, "processing_time_ms", end_ms - time_of(result, row, "created_at"));
}

/* What the original did not have. */
static void add_more(struct buf *out, const struct db_result *result, size_t row)
{
    member_uuid(out, "uuid", result, row, "id");
    member_text(out, "entity_type", result, row, "entity_type");
    member_text(out, "entity_id", result, row, "entity_id");
    member_uuid(out, "record_id", result, row, "record_id");
    member_int(out, "seq", result, row, "seq");
    member_int(out, "version", result, row, "version");
    member_int(out, "base_version", result, row, "base_version");
    member_time(out, "occurred_at", result, row, "occurred_at");
    member_time(out, "deliver_at", result, row, "deliver_at");
    member_time(out, "expires_at", result, row, "expires_at");
    member_text(out, "subject", result, row, "subject");
    member_text(out, "traceparent", result, row, "trace");
    member_uuid(out, "caused_by", result, row, "caused_by");
}

void event_json_members(struct buf *out, const struct db_result *result, size_t row)
{
    struct buf id = BUF_INIT;
    const char *error = text_of(result, row, "error");
    event_json_id(result, row, &id);
    answer_text(out, "id", id.data);
    member_text(out, "event_type", result, row, "event_type");
    member_text(out, "source_platform", result, row, "source_platform");
    add_targets(out, result, row);
    add_data(out, result, row);
    member_text(out, "tenant_id", result, row, "tenant_id");
    member_text(out, "user_id", result, row, "user_id");
    member_int(out, "priority", result, row, "priority_given");
    member_int(out, "retry_count", result, row, "repeats");
    member_int(out, "max_retries", result, row, "max_retries");
    answer_text(out, "status", event_json_status(result, row));
    member_time(out, "created_at", result, row, "created_at");
    member_time(out, "processed_at", result, row, "processed_at");
    answer_text(out, "error_message", error ? error : text_of(result, row, "target_error"));
    add_duration(out, result, row);
    add_more(out, result, row);
    buf_release(&id);
}

/* ---- results ---- */

struct writing {
    struct buf *out;
    const struct db_result *result;
    const char *public_id, *uuid;
};

static void add_attempt(const struct writing *w, size_t row)
{
    answer_open(w->out, NULL, '{');
    member_int(w->out, "generation", w->result, row, "attempt_generation");
    member_int(w->out, "sending", w->result, row, "attempt_sending");
    member_text(w->out, "outcome", w->result, row, "attempt_outcome");
    member_time(w->out, "started_at", w->result, row, "attempt_at");
    member_int(w->out, "processing_time_ms", w->result, row, "attempt_duration_ms");
    member_int(w->out, "http_status", w->result, row, "attempt_http_status");
    answer_bool(w->out, "counted", db_get_bool(w->result, row, db_column(w->result, "attempt_costs")));
    member_text(w->out, "error_message", w->result, row, "attempt_error");
    answer_close(w->out, '}');
}

/* A success stands in the delivery alone, unless it was recorded with the attempts before it. */
static void add_success(const struct writing *w, size_t row)
{
    int64_t end_ms = time_of(w->result, row, "delivery_processed_at");
    bool timed = end_ms != INT64_MIN && !is_null(w->result, row, "delivery_duration_ms");
    answer_open(w->out, NULL, '{');
    member_int(w->out, "generation", w->result, row, "generation");
    member_int(w->out, "sending", w->result, row, "sendings");
    answer_text(w->out, "outcome", "delivered");
    answer_time(w->out, "started_at",
                timed ? end_ms - int_of(w->result, row, "delivery_duration_ms") : end_ms);
    member_int(w->out, "processing_time_ms", w->result, row, "delivery_duration_ms");
    member_int(w->out, "http_status", w->result, row, "delivery_http_status");
    answer_bool(w->out, "counted", true);
    answer_null(w->out, "error_message");
    answer_close(w->out, '}');
}

static void add_attempts(const struct writing *w, size_t row, size_t end)
{
    bool recorded = false;
    answer_open(w->out, "attempts", '[');
    for (size_t at = row; at < end; at++) {
        if (is_null(w->result, at, "attempt_sending"))
            continue;
        add_attempt(w, at);
        recorded = recorded ||
                   (int_of(w->result, at, "attempt_generation") == int_of(w->result, row, "generation") &&
                    int_of(w->result, at, "attempt_sending") == int_of(w->result, row, "sendings"));
    }
    if (int_of(w->result, row, "state") == DELIVERY_DELIVERED && !recorded)
        add_success(w, row);
    answer_close(w->out, ']');
}

/* Why a target was not sent to, where that is not an error of an attempt. */
static void add_reason(const struct writing *w, size_t row, enum delivery_state state)
{
    struct buf reason = BUF_INIT;
    struct uuid uuid;
    const char *error = text_of(w->result, row, "delivery_error"),
               *why = text_of(w->result, row, "pause_reason");
    if (state == DELIVERY_SUPERSEDED &&
        db_get_uuid(w->result, row, db_column(w->result, "covered_by"), &uuid) == 0) {
        char text[UUID_TEXT_LEN + 1];
        uuid_format(&uuid, text);
        buf_addf(&reason, "superseded: the delivery of the later event %s carried it", text);
    } else if (state == DELIVERY_SUPERSEDED || state == DELIVERY_SKIPPED) {
        buf_addf(&reason, "%s", error ? error : msg_delivery_state_shown(state));
    } else if (state < DELIVERY_DELIVERED && !is_null(w->result, row, "pause")) {
        buf_addf(&reason, "paused: the platform is %s%s%s", text_of(w->result, row, "pause"), why ? ", " : "",
                 why ? why : "");
    }
    answer_text(w->out, "reason", reason.len > 0 ? reason.data : NULL);
    buf_release(&reason);
}

/* As delivery_webhook_id(). */
static void webhook_id(char *id, size_t size, const char *uuid, const char *target, size_t target_len,
                       int64_t generation)
{
    if (generation > 1)
        snprintf(id, size, "%s.%.*s.%lld", uuid, (int)target_len, target, (long long)generation);
    else
        snprintf(id, size, "%s.%.*s", uuid, (int)target_len, target);
}

static void add_ids(const struct writing *w, const char *target, size_t target_len, int64_t generation)
{
    char text[UUID_TEXT_LEN + MSG_PLATFORM_MAX + 32];
    webhook_id(text, sizeof text, w->uuid, target, target_len, 1);
    answer_text(w->out, "id", text);
    answer_text(w->out, "event_id", w->public_id);
    answer_text_len(w->out, "target_platform", target, target_len);
    webhook_id(text, sizeof text, w->uuid, target, target_len, generation);
    answer_text(w->out, "webhook_id", text);
}

/* The further delivery behind what may have arrived late (protocol.txt §1). */
static void add_assertion(const struct writing *w, const char *target, size_t row, bool waits)
{
    char id[UUID_TEXT_LEN + MSG_PLATFORM_MAX + 32];
    /* Under its first id a delivery that carries more than the difference is the event's own. */
    if (is_null(w->result, row, "asserts") || int_of(w->result, row, "generation") == 1) {
        answer_null(w->out, "assertion");
        return;
    }
    webhook_id(id, sizeof id, w->uuid, target, strlen(target), int_of(w->result, row, "generation"));
    answer_open(w->out, "assertion", '{');
    answer_text(w->out, "webhook_id", id);
    answer_text(w->out, "status",
                waits && int_of(w->result, row, "sendings") == 0
                    ? "scheduled"
                    : msg_delivery_state_shown((enum delivery_state)int_of(w->result, row, "state")));
    answer_text(w->out, "error_message", waits ? text_of(w->result, row, "delivery_error") : NULL);
    answer_time(w->out, "next_attempt_at", waits ? time_of(w->result, row, "next_attempt_at") : INT64_MIN);
    answer_close(w->out, '}');
}

static void add_result(const struct writing *w, size_t row, size_t end)
{
    enum delivery_state state = (enum delivery_state)int_of(w->result, row, "state");
    /* It was delivered, and waits to be asserted. */
    bool asserts = state <= DELIVERY_BACKOFF && !is_null(w->result, row, "delivery_processed_at");
    const char *target = text_of(w->result, row, "target");
    int64_t generation = int_of(w->result, row, "generation");
    if (asserts)
        state = DELIVERY_DELIVERED;
    bool failing = state == DELIVERY_DEAD || state == DELIVERY_BACKOFF;
    answer_open(w->out, NULL, '{');
    add_ids(w, target, strlen(target), generation - asserts);
    answer_text(w->out, "status", msg_delivery_state_shown(state));
    answer_bool(w->out, "success",
                state == DELIVERY_DELIVERED || state == DELIVERY_SUPERSEDED || state == DELIVERY_SKIPPED);
    answer_text(w->out, "error_message", failing ? text_of(w->result, row, "delivery_error") : NULL);
    add_reason(w, row, state);
    member_time(w->out, "processed_at", w->result, row, "delivery_processed_at");
    member_int(w->out, "processing_time_ms", w->result, row, "delivery_duration_ms");
    member_int(w->out, "http_status", w->result, row, "delivery_http_status");
    member_int(w->out, "version", w->result, row, "delivery_version");
    answer_time(w->out, "next_attempt_at", asserts ? INT64_MIN : time_of(w->result, row, "next_attempt_at"));
    add_assertion(w, target, row, asserts);
    member_time(w->out, "paused_until", w->result, row, "pause_until");
    add_attempts(w, row, end);
    answer_close(w->out, '}');
}

/* A named target without a delivery: the source itself, or the event was not routed (yet). */
static void add_absent(const struct writing *w, const char *target, size_t len)
{
    const char *source = text_of(w->result, 0, "source_platform"), *status = event_json_status(w->result, 0);
    bool own = strlen(source) == len && memcmp(source, target, len) == 0;
    answer_open(w->out, NULL, '{');
    add_ids(w, target, len, 1);
    answer_text(w->out, "status", own ? "skipped" : status);
    answer_bool(w->out, "success", own);
    answer_text(w->out, "error_message", NULL);
    answer_text(w->out, "reason", own ? "skipped: the event came from this platform" : NULL);
    answer_null(w->out, "processed_at");
    answer_null(w->out, "processing_time_ms");
    answer_open(w->out, "attempts", '[');
    answer_close(w->out, ']');
    answer_close(w->out, '}');
}

/* Rows of one target follow one another; the first row behind them. */
static size_t rows_end(const struct db_result *result, size_t row)
{
    const char *target = text_of(result, row, "target");
    size_t end = row + 1;
    while (end < db_rows(result) && strcmp(text_of(result, end, "target"), target) == 0)
        end++;
    return end;
}

static bool has_delivery(const struct db_result *result, const char *target, size_t len)
{
    for (size_t row = 0; row < db_rows(result); row++) {
        const char *name = text_of(result, row, "target");
        if (name && strlen(name) == len && memcmp(name, target, len) == 0)
            return true;
    }
    return false;
}

static bool add_deliveries(const struct writing *w, bool named)
{
    bool any = false;
    for (size_t row = 0; row < db_rows(w->result) && !is_null(w->result, row, "target");) {
        size_t end = rows_end(w->result, row);
        if (db_get_bool(w->result, row, db_column(w->result, "named")) == named) {
            if (!named && !any)
                answer_open(w->out, "also", '[');
            add_result(w, row, end);
            any = true;
        }
        row = end;
    }
    return any;
}

void event_json_results(struct buf *out, const struct db_result *result)
{
    const char *names[TARGETS_MAX];
    size_t lens[TARGETS_MAX];
    struct buf public_id = BUF_INIT;
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1];
    size_t count = db_get_texts(result, 0, db_column(result, "target_platforms"), names, lens, TARGETS_MAX);
    db_get_uuid(result, 0, db_column(result, "id"), &uuid);
    uuid_format(&uuid, text);
    event_json_id(result, 0, &public_id);
    struct writing writing = {out, result, public_id.data, text};
    answer_open(out, "results", '[');
    add_deliveries(&writing, true);
    for (size_t i = 0; i < count && i < TARGETS_MAX; i++)
        if (!has_delivery(result, names[i], lens[i]))
            add_absent(&writing, names[i], lens[i]);
    answer_close(out, ']');
    if (add_deliveries(&writing, false))
        answer_close(out, ']');
    buf_release(&public_id);
}
