/*
 * links.h: one person under several ids, as the router meets it (protocol.txt §9): steps of links, each alone in its batch, and new ids
 * that are bound by themselves.
 */
#pragma once
#include "rows.h"

struct link_step;
void link_step_free(struct link_step **step);

/* Before a batch is decided: true when it is read again first, because a step of a link is in it. */
bool links_alone(struct router *router, const struct db_result *result);
/* After: true when new users are looked for under their e-mail first; the batch is then written, or read again. */
bool links_bind(struct router *router);
/* After it was written: the next step is published. */
void links_written(struct router *router);

/* A user that this platform's event makes; common NULL: it is none. */
void links_fresh(struct routing *routing, const struct event_row *event, const struct json *common);
/* The step that routing has read. */
void links_route(struct routing *routing, const struct db_result *result, const struct event_row *event,
                 const struct json *raw, struct decision *decision);
