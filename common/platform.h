/*
 * platform.h: what a platform speaks, from config/platforms/<name>.conf (libconfig syntax): names, words, currency, routes,
 * credentials, limits. A fourth platform is a fourth file. Nothing here does I/O after loading.
 *
 * A file with a mistake is refused with file, line and reason; on reload the old set stays.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "money.h"
#include "msg.h"

struct expr;
struct platform;
struct platform_set;

/* The value of an environment variable named in a file (base URL, credential); NULL when not set. conf_variable fits. */
typedef const char *(*platform_lookup)(void *arg, const char *variable);

/* Every *.conf of the folder. NULL and sentences "file:line: reason" in errors. */
struct platform_set *platform_set_load(const char *dir, platform_lookup lookup, void *arg,
                                       struct buf *errors);
void platform_set_free(struct platform_set **set);
size_t platform_count(const struct platform_set *set);
const struct platform *platform_at(const struct platform_set *set, size_t index);       /* sorted by name */
const struct platform *platform_find(const struct platform_set *set, const char *name); /* NULL: unknown */

const char *platform_name(const struct platform *platform);
const char *platform_base_url(
    const struct platform *platform); /* without a trailing slash; NULL when its variable is unset */
const char *platform_credential(
    const struct platform *platform); /* static bearer; NULL: our own short-lived token is used */
const char *platform_credential_header(
    const struct platform *platform); /* "Authorization" (Bearer …) or the file's header */
const char *platform_currency(const struct platform *platform); /* ISO 4217 */
struct money_rate platform_per_usd(const struct platform *platform);
const char *platform_rate_date(const struct platform *platform); /* "2024-01-01": since when that holds */
unsigned platform_decimals(const struct platform *platform);        /* of the currency's minor unit */
const char *platform_locale(const struct platform *platform);
const char *platform_timezone(const struct platform *platform);
bool platform_allows_private(
    const struct platform *platform); /* private and loopback addresses may be called */
bool platform_takes_bulk(const struct platform *platform);
const char *platform_bulk_path(const struct platform *platform); /* of the route "bulk" */
/* Requests a minute, for all types of an entity together; 0: no limit but the window. */
int64_t platform_rate_per_minute(const struct platform *platform, enum event_type type);
/* Does what comes from the platform carry the _sync_metadata that its record was sent with? (echo = "metadata") */
bool platform_returns_metadata(const struct platform *platform);
/* May what comes from the platform be what it was sent? (echo is not "none") */
bool platform_echoes(const struct platform *platform);
/* Can it hold the field (common name), and can that be changed once the record is there? By the protocol that the entity goes by. */
bool platform_holds(const struct platform *platform, enum entity entity, const char *field);
bool platform_changes(const struct platform *platform, enum entity entity, const char *field);
/* Does its file speak of the field (common name) in a table of the entity? And the common name of what it calls `own`; NULL: none. */
bool platform_knows(const struct platform *platform, enum entity entity, const char *field);
const char *platform_common_field(const struct platform *platform, enum entity entity, const char *own);
bool platform_every_version(const struct platform *platform,
                            enum event_type type); /* true for operational data */

/* Which members of an entity name the records that must be there before it: entities.<entity>.parents. A path is in common
 * names, with dots: "items.product_id" is that member of each element of the list. The first path that is there counts. */
struct platform_parent {
    enum entity entity; /* of the parents */
    const char **paths;
    size_t path_count;
};
const struct platform_parent *platform_parents(const struct platform *platform, enum entity entity,
                                               size_t *count); /* NULL when there are none */

/* GET is for what is read from a platform: a route of deliveries has one of the others. */
enum platform_method { PLATFORM_POST, PLATFORM_PUT, PLATFORM_PATCH, PLATFORM_DELETE, PLATFORM_GET };
struct platform_route {
    enum platform_method method;
    const char *path; /* "/api/sync/user/create": goes behind the base URL; {id} is the record's: delivery_path */
    const char *
        success_field; /* the answer's body must have this member true or equal to success_value; NULL: status alone */
    const char *success_value;
    bool full;  /* the whole record goes out, not the difference */
    bool takes; /* false: this platform does not take this event type: skipped */
    const struct expr *when; /* over the record (expr_test_record): skipped where it is false; NULL: never */
};
/* Never NULL for a known type. `verb` may differ from the type's own (a create that became an update). */
const struct platform_route *platform_route(const struct platform *platform, enum event_type type,
                                            enum verb verb);

/* A postal address for what comes without one: texts of the file, NULL where it gives none. */
struct platform_address {
    const char *first_name, *last_name, *company, *street, *city, *postal_code, *country_area, *phone;
    const char *country; /* ISO 3166, two letters */
};
/* What a status word of an order asks of the shop. */
enum platform_order_step { PLATFORM_ORDER_NONE, PLATFORM_ORDER_CONFIRM, PLATFORM_ORDER_FULFIL, PLATFORM_ORDER_CANCEL };
#define PLATFORM_MUTATIONS_MAX 50

/* The platform's GraphQL API: the group `graphql`. */
struct platform_graphql {
    const char *url; /* whole, ".../graphql/"; NULL: its variable is not set, REST serves all entities */
    bool entities[ENTITY_NONE];
    const char *channel, *warehouse, *product_type; /* slugs */
    const char *category; /* slug; NULL: products have none, and none is published */
    const char *tax_class; /* name, of the lines of orders; NULL: the shop's first */
    const char *variant;  /* sku of what stands for items that name no product; NULL: such orders are dead */
    const char *language; /* "EN_IN" */
    struct money tax_rate; /* contained in all amounts: 0.18 */
    int64_t batch;         /* mutations in one document at most */
    struct platform_address address;
    const char **order_words[PLATFORM_ORDER_CANCEL + 1]; /* by step, common words */
    size_t order_word_count[PLATFORM_ORDER_CANCEL + 1];
};
enum platform_order_step platform_order_step(const struct platform_graphql *graphql, const char *status);
const struct platform_graphql *platform_graphql_api(const struct platform *platform); /* NULL: it has none */
/* NULL: this entity goes by REST. */
const struct platform_graphql *platform_graphql(const struct platform *platform, enum entity entity);

/* How the platform's own webhooks come in: the group `inbound`. */
struct platform_inbound; /* platform_inbound.h */
const struct platform_inbound *platform_inbound(const struct platform *platform); /* NULL: it sends none */

/* Where the platform's records are read, page by page: the group `lists`. */
#define PLATFORM_PAGE_ROWS_MAX 1000
enum platform_paging {
    PLATFORM_CURSOR, /* the answer says where the next page begins */
    PLATFORM_PAGE,   /* pages are numbered from 1 */
    PLATFORM_OFFSET  /* rows to skip */
};
struct platform_lists {
    const char *paths[ENTITY_NONE]; /* behind the base URL; NULL: this entity has no list */
    const char *rows;               /* where in the answer the rows are (paths of inbound_map.h); NULL: it is the list itself */
    const char *next;               /* where the next page's cursor is; of PLATFORM_CURSOR */
    const char *record;             /* where in a row the record is; NULL: the row is it */
    const char *cursor_parameter, *limit_parameter; /* of the query */
    const char *tenant_parameter;                   /* NULL: the platform knows no tenants */
    const char *tenant_member; /* of a row: a row of another tenant is refused; NULL: rows do not tell */
    enum platform_paging paging;
    int64_t page_rows; /* asked for at once, at most */
};
const struct platform_lists *platform_lists(const struct platform *platform); /* NULL: it has none */
