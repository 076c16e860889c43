/*
 * list.h: a platform's own lists of what it keeps, for whoever reads it page by page, and a way to keep records that no delivery
 * brought.
 *
 *   GET  /api/sync/{entity}?cursor=&limit=&tenant_id=   {"data":[{…,"tenant_id"}],"next_cursor":"100"|null}; rules of faults.h with
 *                                                       the operation "list" strike here
 *   POST /records/{entity}?tenant=T                     {"records":[{…}]}: kept as they are;  ?count=N: N made up ones (seed-1 …)
 *   POST /drift/{entity}?tenant=T                       {"lose":["id",…],"alter":{"id":{"field":value,…},…}}: behind everybody's back
 *   POST /edit/{entity}?tenant=T                        {"id":"x","set":{…},"put":{"object":{"member":…}},"add":{"number":n}}: as a
 *                                                       user of the platform would; with "create":true of a new one. The answer:
 *                                                       {"version":N,"data":{the fields as they are now}}
 *   GET  /lists                                         {"asked":N,"rows":N} since the records were cleared
 */
#pragma once
#include "platform_impl.h"

void list_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                  const char *entity);
void list_preload(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                  const char *entity);
void drift_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                   const char *entity);
void edit_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                  const char *entity);
void list_counts(struct platform *platform, struct http_conn *conn);
