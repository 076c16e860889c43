/*
 * delivery.h: what goes out for one delivery: the REST body, the item of a bulk, and the webhook-id; pure. Whoever shows what a
 * platform would get shows exactly this.
 *
 *   body        {event_id, event_type, source_platform, tenant_id, user_id, data}
 *   bulk item   the same members, then operation and webhook_id
 *
 * data is mapping_out and mapping_decorate; it depends on nothing but the source below, so that a repetition under the same
 * webhook-id has the same content. Only _sync_metadata.started_at differs: like the header webhook-timestamp it is a stamp of the
 * attempt, and no part of the content that a webhook-id is bound to. A signature is over the body with it.
 */
#pragma once
#include "mapping.h"
#include "platform.h"
#include "uuid.h"

struct delivery_source {
    const struct platform *target;
    const struct platform_set *platforms; /* for rates between currencies */
    struct uuid event;
    enum event_type type;
    enum verb verb; /* what will be called: a create that became an update is an update */
    int generation; /* 1, and one more for each retry of a dead delivery: those are other webhook-ids */
    const char *source_platform, *tenant;
    const char *user_id; /* NULL: null */
    int64_t created_ms;  /* of the event: transformed_at and sync_timestamp */
    int64_t started_ms;  /* of this attempt, since 1970: started_at; 0: none is made, it is only shown */
    bool has_record;     /* false: operational data, which has neither record id nor version */
    struct uuid record;
    int64_t version;
    const struct json *data,
        *notes; /* the record in common names (operational: the event's data); notes may be NULL */
    const struct json *base; /* what the target certainly has: the difference goes out; NULL: everything */
    int64_t base_seq;
    const char *platform_id; /* the target's own id of the record; NULL: not known */
    struct buf *field; /* of mapping_request; may be NULL */
};

enum delivery_built {
    DELIVERY_BUILT,
    DELIVERY_NOTHING,   /* the target has it all, cannot take the rest, or its route's condition is false: error says which */
    DELIVERY_IMPOSSIBLE /* and why in error: one sentence that names the field */
};
/* Create, update or delete: by what the record is now and what the target has, whatever the event was called. created: an open
 * delivery up to this one is of a create; deleted_there: the target had it and has it no more. */
enum verb delivery_verb(enum event_type type, bool record_deleted, int64_t certain_version,
                        bool deleted_there, bool created);

/* Does the condition of the route (its `when`) let it go? DELIVERY_BUILT: it does. */
enum delivery_built delivery_wanted(const struct delivery_source *source, struct buf *error);

/* The target's data, decorated; NULL unless DELIVERY_BUILT. */
enum delivery_built delivery_data(const struct delivery_source *source, struct json **data,
                                  struct buf *error);
/* The whole body, added to `body`. Impossible also where the route's path needs an id that cannot stand there. */
enum delivery_built delivery_body(const struct delivery_source *source, struct buf *body, struct buf *error);
/* A body as the item of a bulk: added to `item`. */
void delivery_bulk_item(const struct delivery_source *source, const struct buf *body, struct buf *item);

/* The route's path, with the target's own id of the record, else the record's own one, percent-encoded for {id}. */
void delivery_path(const struct delivery_source *source, struct buf *path);

/* One per event and target, stable across retries: "<event>.<platform>", from generation 2 on with ".<generation>". */
void delivery_webhook_id(const struct delivery_source *source, char id[MSG_KEY_MAX]);
