/*
 * preview.h: what a platform would get for an event, shown and not sent; pure. The same modules build it as when it is sent, so
 * it cannot differ but for ids and times.
 *
 *   the record as it is ── preview_change ──▶ as the event makes it ── preview_target ──▶ one platform's request, or why none
 */
#pragma once
#include <stdint.h>

#include "merge.h"
#include "platform.h"
#include "uuid.h"

/* Everything is lent. */
struct preview_event {
    const struct platform_set *platforms;
    const struct platform *source;
    enum event_type type;
    struct uuid id, record_id;
    const char *tenant, *entity_id;
    const char *user_id;     /* NULL: none */
    int64_t base_version;    /* 0: none given */
    int64_t now_ms;
    int64_t occurred_ms;     /* INT64_MIN: not given */
    const struct json *data; /* as the source sent it */
};

/* What the target has of the record. */
struct preview_holding {
    int64_t version;         /* what it certainly has; 0: nothing is known */
    bool deleted;            /* it had the record, and has it no more */
    const char *platform_id; /* its own id; NULL: not known */
    const struct json *base; /* that version, common names; NULL when there is none, or it is not kept any more */
    int64_t base_seq;
};

/* The record (initialised; `exists` says whether there is one) becomes what the event makes of it. */
void preview_change(const struct preview_event *event, struct record *record);

/*
 * {"platform", "protocol":"rest", "verb", "method", "path", "url", "webhook_id", "base", "rate", "body", "remark"?}, or
 * {"platform", "protocol":"graphql", "verb", "url", "base", "rate", "operations":[{"operation","document","variables"}], "remark"?}, or
 * {"platform", "skipped":"why"}, or {"platform", "failed":"sentence", "field"?}.
 * rate: {"currency", "per_usd", "date"} that money is given by. base: {"version"} that the difference is taken from; null: everything goes. A new object.
 */
struct json *preview_target(const struct preview_event *event, const struct record *record,
                            const struct platform *target, const struct preview_holding *holding);
