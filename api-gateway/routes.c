/* routes.c: what the gateway serves, and to whom; docs/openapi.json says the same, and a test compares them. */
#include "gateway.h"

const struct http_route gateway_routes[] = {
    {HTTP_GET, "/", AUTH_NONE, false, status_root},
    {HTTP_GET, "/health", AUTH_NONE, false, status_health},
    {HTTP_GET, "/livez", AUTH_NONE, false, status_livez},
    {HTTP_GET, "/readyz", AUTH_NONE, false, status_readyz},
    {HTTP_GET, "/openapi.json", AUTH_NONE, false, openapi_get},
    {HTTP_POST, "/sync/events", AUTH_SERVICE, false, accept_one},
    {HTTP_GET, "/sync/events", AUTH_VIEWER, false, event_list},
    {HTTP_POST, "/sync/events/bulk", AUTH_SERVICE, true, accept_bulk},
    {HTTP_GET, "/sync/events/{id}", AUTH_VIEWER, false, event_get},
    {HTTP_POST, "/sync/events/{id}/retry", AUTH_OPERATOR, false, event_retry},
    {HTTP_POST, "/sync/inbound/{platform}", AUTH_NONE, false, inbound_post}, /* it is signed */
    {HTTP_POST, "/sync/backfill", AUTH_OPERATOR, true, backfill_post},
    {HTTP_GET, "/sync/backfill", AUTH_VIEWER, false, backfill_list},
    {HTTP_GET, "/sync/backfill/{id}", AUTH_VIEWER, false, backfill_get},
    {HTTP_PATCH, "/sync/backfill/{id}", AUTH_OPERATOR, false, backfill_patch},
    {HTTP_DELETE, "/sync/backfill/{id}", AUTH_OPERATOR, false, backfill_delete},
    {HTTP_PUT, "/sync/backfill/{id}/parts/{n}", AUTH_OPERATOR, true, backfill_put_part},
    {HTTP_POST, "/sync/users", AUTH_SERVICE, false, user_post},
    {HTTP_GET, "/sync/users/{id}", AUTH_VIEWER, false, user_get},
    {HTTP_GET, "/sync/records/{type}", AUTH_VIEWER, false, record_find},
    {HTTP_GET, "/sync/records/{type}/{id}", AUTH_VIEWER, false, record_get},
    {HTTP_GET, "/sync/records/{type}/{id}/versions", AUTH_VIEWER, false, record_versions},
    {HTTP_GET, "/sync/conflicts", AUTH_VIEWER, false, conflict_list},
    {HTTP_POST, "/sync/conflicts/simulate", AUTH_OPERATOR, false, conflict_simulate},
    {HTTP_GET, "/sync/conflicts/{id}", AUTH_VIEWER, false, conflict_get},
    {HTTP_POST, "/sync/conflicts/{id}/resolve", AUTH_OPERATOR, false, conflict_resolve},
    {HTTP_POST, "/sync/conflicts/{id}/undo", AUTH_OPERATOR, false, conflict_undo},
    {HTTP_GET, "/sync/tenants/{id}/policies", AUTH_VIEWER, false, policies_get},
    {HTTP_PUT, "/sync/tenants/{id}/policies", AUTH_OPERATOR, false,
     policies_put}, /* an admin's; or of all tenants */
    {HTTP_GET, "/sync/tenants/{id}/policies/versions", AUTH_VIEWER, false, policies_list},
    {HTTP_GET, "/sync/tenants/{id}/policies/versions/{version}", AUTH_VIEWER, false, policies_get},
    {HTTP_POST, "/sync/mappings/preview", AUTH_OPERATOR, false, preview_post},
    {HTTP_GET, "/sync/alerts", AUTH_VIEWER, false, alert_list},
    {HTTP_GET, "/sync/status", AUTH_VIEWER, false, status_sync},
    {HTTP_GET, "/sync/metrics", AUTH_VIEWER, false, metrics_get},
};
const size_t gateway_route_count = sizeof gateway_routes / sizeof *gateway_routes;
