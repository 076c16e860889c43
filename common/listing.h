/*
 * listing.h: a page of what a platform has, by its own list: GET {base}/api/sync/{entity}?cursor=, as the group `lists` of its file
 * says, or a query where the entity goes by GraphQL (Saleor); pure: whoever reads the list sends the request.
 *
 *   listing_obstacle ──▶ listing_url or listing_body ── HTTP ──▶ answer ── listing_read ──▶ rows, and where the next page begins
 *
 * A row of REST is the platform's own words; one of GraphQL is in common names already, by the objects of its group `inbound`. A bad
 * row is refused alone, with its reason. What is no page at all is the route's fault, or passes by itself.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "json.h"
#include "platform.h"
#include "transfer.h"

#define LISTING_GRAPHQL_ROWS 50 /* Saleor gives 100 at most; a row of products costs more than one */

/* One page. */
struct listing_page {
    const struct platform *platform;
    enum entity entity;
    const char *tenant;
    const char *cursor; /* NULL: the beginning */
    size_t rows;        /* asked for, at most */
};

enum listing_verdict {
    LISTING_PAGE,
    LISTING_LATER,   /* passing: with back-off */
    LISTING_SMALLER, /* the page was too large: fewer rows at once */
    LISTING_PAUSE    /* the route's fault: a person should look */
};

/* A row: taken with its data, which is the callback's then; or refused for a reason, data is NULL. id: as the platform calls it,
 * lent; NULL: none that can be read. */
typedef void (*listing_cb)(struct json *data, const char *id, const char *reason, void *arg);

/* Has the platform a list of the entity? */
bool listing_is_there(const struct platform *platform, enum entity entity);
/* Why the list cannot be asked for as things stand; NULL: it can. */
const char *listing_obstacle(const struct platform *platform, enum entity entity);
bool listing_by_graphql(const struct platform *platform, enum entity entity);
size_t listing_rows_max(const struct platform *platform, enum entity entity);
/* The path of REST behind the base URL, for who rests a route; "graphql" otherwise. */
const char *listing_path(const struct platform *platform, enum entity entity);

void listing_url(const struct listing_page *listing, struct buf *url);
void listing_body(const struct listing_page *listing,
                  struct buf *body); /* GraphQL alone: else the request has none */
/* What the answer means; why: a sentence where it is no page. *next: the next page's cursor, the caller's to free; NULL: none. */
enum listing_verdict listing_read(const struct listing_page *listing, const struct answer *answer,
                                  listing_cb row, void *arg, char **next, struct buf *why);
/* LISTING_PAGE: 2xx and no HTML. */
enum listing_verdict listing_judge(const struct answer *answer, struct buf *why);

/* listing_graphql.c */
void listing_graphql_body(const struct listing_page *listing, struct buf *body);
enum listing_verdict listing_read_graphql(const struct listing_page *listing, const struct answer *answer,
                                          listing_cb row, void *arg, char **next, struct buf *why);
bool listing_has_query(enum entity entity);
