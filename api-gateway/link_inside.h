/*
 * link_inside.h: what the link files of the gateway share: one person under several ids (protocol.txt §9).
 *
 *   link_list    pages of links and suggestions, one of them;  link_change  what people decide about them
 */
#pragma once
#include "changes.h"
#include "gateway.h"

#define LINK_WAIT_MS 1000 /* an answer waits so long for the router */

/* Answers with the link; changed: once what was decided has been done, or LINK_WAIT_MS later. */
void link_show(struct gateway *gateway, struct http_request *request, const char *tenant,
               const struct uuid *id, bool changed);
void link_refuse_unknown(struct http_request *request);
/* The link that the path names, and whose it may be; NULL: refused. */
const char *link_read_place(struct http_request *request, struct uuid *id);
