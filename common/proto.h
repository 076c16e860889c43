/* proto.h: every name that crosses a process border, once; common/protocol.txt tells what they mean. */
#pragma once

#define PROTO_ENTRY_VERSION 1
#define PROTO_REFS_MAX 64 /* references in one entry */
#define PROTO_GROUP "sync"
#define PROTO_CONSUMER "owner"
#define PROTO_ACTIVITY "activity"
#define PROTO_PROBE "probe" /* never made: asked whether Redis would take a write */
#define PROTO_SET_PREFIX "on:"
#define PROTO_EVENTS "events"
#define PROTO_DELIVER "deliver"
#define PROTO_CONFLICTS "conflicts"
#define PROTO_OWNER "owner"
#define PROTO_HANDOVER "handover"
#define PROTO_FIELD_VERSION "v"
#define PROTO_FIELD_REF "r"
#define PROTO_FIELD_ACTIVITY "a"
#define PROTO_CHANNEL_ALERTS_NEW "alerts:new"
#define PROTO_CHANNEL_ALERTS_RESOLVED "alerts:resolved"
#define PROTO_STAGE_ROUTER "router"
#define PROTO_STAGE_WORKER "worker-" /* and the platform's name */
#define PROTO_STAGE_RESOLVER "resolver"

/* Priorities: X(name, text). Index 0 is served first. */
#define PROTO_PRIORITIES(X) X(CRITICAL, "critical") X(HIGH, "high") X(NORMAL, "normal") X(LOW, "low")
enum priority {
#define X(name, text) PRIORITY_##name,
    PROTO_PRIORITIES(X)
#undef X
    PRIORITIES
};

/* Entities with a record behind them: X(name, text). */
#define PROTO_ENTITIES(X) X(USER, "user") X(LEAD, "lead") X(ORDER, "order") X(CAMPAIGN, "campaign") X(PRODUCT, "product")
enum entity {
#define X(name, text) ENTITY_##name,
    PROTO_ENTITIES(X)
#undef X
    ENTITY_NONE, /* operational data */
};

enum verb { VERB_CREATE, VERB_UPDATE, VERB_DELETE, VERB_REPORT /* operational data */ };

/* Event types: X(name, text, entity, verb). */
#define PROTO_EVENT_TYPES(X)                                          \
    X(USER_CREATED, "user_created", USER, CREATE)                     \
    X(USER_UPDATED, "user_updated", USER, UPDATE)                     \
    X(USER_DELETED, "user_deleted", USER, DELETE)                     \
    X(LEAD_CREATED, "lead_created", LEAD, CREATE)                     \
    X(LEAD_UPDATED, "lead_updated", LEAD, UPDATE)                     \
    X(LEAD_DELETED, "lead_deleted", LEAD, DELETE)                     \
    X(ORDER_CREATED, "order_created", ORDER, CREATE)                  \
    X(ORDER_UPDATED, "order_updated", ORDER, UPDATE)                  \
    X(ORDER_DELETED, "order_deleted", ORDER, DELETE)                  \
    X(CAMPAIGN_CREATED, "campaign_created", CAMPAIGN, CREATE)         \
    X(CAMPAIGN_UPDATED, "campaign_updated", CAMPAIGN, UPDATE)         \
    X(CAMPAIGN_DELETED, "campaign_deleted", CAMPAIGN, DELETE)         \
    X(PRODUCT_CREATED, "product_created", PRODUCT, CREATE)            \
    X(PRODUCT_UPDATED, "product_updated", PRODUCT, UPDATE)            \
    X(PRODUCT_DELETED, "product_deleted", PRODUCT, DELETE)            \
    X(ANALYTICS_UPDATED, "analytics_updated", NONE, REPORT)           \
    X(SYSTEM_HEALTH, "system_health", NONE, REPORT)                   \
    X(PERFORMANCE_METRICS, "performance_metrics", NONE, REPORT)       \
    X(CONFIG_CHANGED, "config_changed", NONE, REPORT)
enum event_type {
#define X(name, text, entity, verb) EVENT_##name,
    PROTO_EVENT_TYPES(X)
#undef X
    EVENT_TYPES
};

/* sync_events.status: X(name, number, text shown). Only the last four are final. */
#define PROTO_EVENT_STATUSES(X)                                                                                       \
    X(PENDING, 0, "pending") X(ROUTED, 1, "processing") X(COMPLETED, 2, "completed") X(FAILED, 3, "failed")           \
    X(CANCELLED, 4, "cancelled") X(EXPIRED, 5, "expired")
enum event_status {
#define X(name, number, text) EVENT_STATUS_##name = number,
    PROTO_EVENT_STATUSES(X)
#undef X
};

/* deliveries.state: X(name, number, text, shown as). Open and backoff are not final. */
#define PROTO_DELIVERY_STATES(X)                                                                                      \
    X(OPEN, 0, "open", "processing") X(BACKOFF, 1, "backoff", "retry") X(DELIVERED, 2, "delivered", "completed")      \
    X(SUPERSEDED, 3, "superseded", "superseded") X(SKIPPED, 4, "skipped", "skipped") X(DEAD, 5, "dead", "failed")     \
    X(CANCELLED, 6, "cancelled", "cancelled") X(EXPIRED, 7, "expired", "expired")
enum delivery_state {
#define X(name, number, text, shown) DELIVERY_##name = number,
    PROTO_DELIVERY_STATES(X)
#undef X
};

/* First byte of every stored body (event data, record data, versions, excerpts). */
enum body_format { BODY_PLAIN = 0 };
