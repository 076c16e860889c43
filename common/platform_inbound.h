/*
 * platform_inbound.h: the group `inbound` of a platform file: how the platform's own webhooks are verified, and what becomes of
 * them. What each setting means to people: config/platforms/coreldove.conf.
 */
#pragma once
#include "inbound_map.h"
#include "platform.h"

#define PLATFORM_SECRETS_MAX 8

enum platform_dialect {
    PLATFORM_STANDARD, /* Standard Webhooks: {"type", "timestamp", "data"} */
    PLATFORM_SALEOR /* Saleor's headers and signatures; the body is what the webhook's subscription asked for */
};

/* One of the platform's events. */
struct inbound_event {
    const char *name;
    enum event_type type;
    const char *path;                    /* to the object in the body; "": the body is it */
    const struct inbound_object *object; /* NULL: it is in our own words already */
};

struct platform_inbound {
    enum platform_dialect dialect;
    const char *secrets[PLATFORM_SECRETS_MAX + 1]; /* any one will do; NULL ends */
    const char *secret_variable; /* for messages: the first that the file names; NULL: none */
    const char *keys;            /* JSON text of the shop's public keys; NULL: they are fetched */
    const char *keys_url;        /* where; NULL: the shop's variable is not set */
    const char *tenant;          /* of webhooks that name none; NULL: they must */
    const char **targets;        /* names of platforms */
    size_t target_count;         /* 0: all others */
    struct inbound_object *objects;
    size_t object_count;
    struct inbound_event *events;
    size_t event_count;
};

/* Is there anything that a webhook could be verified with? */
bool platform_inbound_is_open(const struct platform_inbound *inbound);
/* NULL: nothing becomes of an event of this name. */
const struct inbound_event *platform_inbound_event(const struct platform_inbound *inbound, const char *name);
/* The first of the file's objects that is such an entity (rows of a list are read by it); NULL: there is none. */
const struct inbound_object *platform_inbound_object(const struct platform *platform, enum entity entity);
/* As inbound_same, by the first object of the entity; false where the entity does not come in and go out by the tables. */
bool platform_inbound_same(const struct platform *platform, enum entity entity, const char *field,
                           const struct json *held, const struct json *incoming);
