/*
 * platform.h: a platform's side of the REST contract, and its window for tests.
 *
 *   POST PUT PATCH DELETE /api/sync/{user|lead|order|campaign|product}/{create|update|delete}   a delivery
 *   PUT PATCH DELETE      /api/sync/{entity}/{id}                                                a delivery
 *   POST                  /api/sync/bulk                                                         many deliveries
 *   POST                  /api/sync/analytics/update, /api/sync/system/{health|metrics|config}
 *   GET                   /api/sync/{entity}?cursor=&limit=, /api/sync/{entity}/{id}             as the platform lists them
 *   GET DELETE            /received?after=N&limit=M, ?summary=1
 *   GET                   /records/{entity}, /records/{entity}/{id}, with ?tenant=
 *   POST                  /drift/{entity}?tenant=  records lost or altered (list.h)
 *   POST                  /edit/{entity}?tenant=   what a user of the platform changes (list.h)
 *   GET POST DELETE       /control      rules of faults.h, "strict", "ignore_lower_versions", "late_arrive"
 *   GET                   /health
 */
#pragma once
#include "http.h"

struct platform_options {
    const char *name;
    const char *webhook_secret; /* NULL: signatures are not checked; whsec_<base64> or the bytes themselves */
    size_t keep;                /* requests */
    size_t records_max;
};

struct platform;
struct platform *platform_new(const struct platform_options *options);
void platform_free(struct platform **platform);
void platform_request(struct http_conn *conn, const struct http_request *request, void *arg); /* arg: the platform */
