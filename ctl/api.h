/* api.h: the service's API as commands use it: one request at a time, with a token made of JWT_SECRET. */
#pragma once
#include "ctl.h"
#include "json.h"
#include "transfer.h"

struct api;
/* url: NULL takes API_URL. NULL after a sentence on standard error: JWT_SECRET cannot sign, or the URL is none. */
struct api *api_new(const struct conf *conf, const char *url, const char *tenant);
void api_free(struct api **api);
void api_be_admin(struct api *api); /* from now on; an operator before */

struct api_request {
    enum platform_method method;
    const char *path; /* "/sync/…" */
    const char *type; /* of the body; NULL: application/json */
    const char *body; /* NULL: none */
    size_t body_len;
    const char *if_match; /* NULL: none */
    bool again;           /* may be sent again: after a refusal that passes, or when there was no answer */
};
/* The answer as JSON, the caller's; NULL after a sentence on standard error. */
struct json *api_send(struct api *api, const struct api_request *request);

/* Parts of a path: text with all that is not plain escaped (RFC 3986 §2.3); a parameter of the query, nothing without a value. */
void api_add_escaped(struct buf *path, const char *text);
void api_add_parameter(struct buf *path, const char *name, const char *value);
