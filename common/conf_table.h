/*
 * conf_table.h: every environment variable, once.
 *
 * X(member, VARIABLE, kind, default, lowest, highest, who reads it, SIGHUP reloads it, meaning); lowest and highest are in
 * the member's unit (ms, bytes); the meaning stands in lists, so it is lower case without a full stop. Names and defaults of
 * the original service stay, also of those that mean nothing any more: a file of its variables is taken as it is.
 */
#pragma once

#define CONF_TABLE(X)                                                                                        \
    X(environment, ENVIRONMENT, CONF_TEXT, "production", 0, 0, CONF_ALL, false,                              \
      "production refuses default secrets and AUTH_REQUIRED=false; anything else (development, "             \
      "test) does not")                                                                                      \
    X(env_file, ENV_FILE, CONF_TEXT, "", 0, 0, CONF_ALL, false,                                              \
      "file of lines NAME=value for what the environment does not set; SIGHUP reads it again")               \
    X(database_url, DATABASE_URL, CONF_SECRET, "postgresql://localhost:5432/bizosaas", 0, 0, CONF_ALL,       \
      false,                                                                                                 \
      "PostgreSQL, as the owner of the tables: migrations, and all the rest when the next two "              \
      "are not set")                                                                                         \
    X(database_writer_url, DATABASE_WRITER_URL, CONF_SECRET, "", 0, 0, CONF_ALL, false,                      \
      "PostgreSQL as a login that is a member of sync_writer")                                               \
    X(database_reader_url, DATABASE_READER_URL, CONF_SECRET, "", 0, 0,                                       \
      CONF_GATEWAY | CONF_MONITOR | CONF_CTL,                                                                \
      false, "PostgreSQL as a login that is a member of sync_reader (row-level security)")                   \
    X(redis_url, REDIS_URL, CONF_SECRET, "redis://localhost:6379/6", 0, 0, CONF_ALL, false,                  \
      "Redis 6.2 or later: the belt")                                                                        \
    X(jwt_secret, JWT_SECRET, CONF_SECRET, "dev-secret-key", 0, 0, CONF_GATEWAY | CONF_WORKER | CONF_CTL,    \
      true, "key of HS256 tokens; production wants at least 32 bytes that are not the default")              \
    X(jwt_public_key, JWT_PUBLIC_KEY, CONF_SECRET, "", 0, 0, CONF_GATEWAY, true,                             \
      "PEM text of a public key: RS256 or ES256 tokens are taken too")                                       \
    X(jwt_issuer, JWT_ISSUER, CONF_TEXT, "", 0, 0, CONF_GATEWAY | CONF_WORKER | CONF_CTL, true,              \
      "when set, tokens must carry this iss, and tokens we mint do")                                         \
    X(jwt_audience, JWT_AUDIENCE, CONF_TEXT, "", 0, 0, CONF_GATEWAY | CONF_CTL, true,                        \
      "when set, tokens must carry this aud, and tokens of syncctl do")                                      \
    X(auth_required, AUTH_REQUIRED, CONF_BOOL, "true", 0, 0, CONF_GATEWAY, false,                            \
      "false: requests without a token are taken as admin of the tenant they name; never in "                \
      "production")                                                                                          \
    X(listen_addr, LISTEN_ADDR, CONF_TEXT, "0.0.0.0:8025", 0, 0, CONF_GATEWAY, false,                        \
      "where the API listens")                                                                               \
    X(api_url, API_URL, CONF_URL, "http://127.0.0.1:8025", 0, 0, CONF_CTL, false,                            \
      "where syncctl finds the API")                                                                         \
    X(metrics_addr, METRICS_ADDR, CONF_TEXT, "127.0.0.1:0", 0, 0, CONF_SERVICES, false,                      \
      "this process's own listener for /metrics, /livez and /readyz; port 0 picks a free one, "              \
      "off means none")                                                                                      \
    X(log_level, LOG_LEVEL, CONF_TEXT, "info", 0, 0, CONF_ALL, true, "debug, info, warning or error")        \
    X(log_format, LOG_FORMAT, CONF_TEXT, "auto", 0, 0, CONF_ALL, true,                                       \
      "json, logfmt, or auto: logfmt on a terminal")                                                         \
    X(log_lines, LOG_LINES_PER_SECOND, CONF_INT, "200", 1, 1000000, CONF_SERVICES, true,                     \
      "more lines of one kind in a second are folded into one with their number")                            \
    X(platform_dir, PLATFORM_DIR, CONF_TEXT, "config/platforms", 0, 0,                                       \
      CONF_GATEWAY | CONF_ROUTER | CONF_WORKER | CONF_RESOLVER | CONF_CTL, true,                             \
      "one file per platform")                                                                               \
    X(policies_file, POLICIES_FILE, CONF_TEXT, "", 0, 0,                                                     \
      CONF_GATEWAY | CONF_ROUTER | CONF_WORKER | CONF_RESOLVER | CONF_CTL, true,                             \
      "what becomes of a field that several platforms changed at once, and business rules; unset: the "      \
      "defaults (config/policies.conf)")                                                                     \
    X(policy_tenants, POLICY_TENANTS_KEPT, CONF_INT, "500", 1, 100000,                                       \
      CONF_ROUTER | CONF_WORKER | CONF_RESOLVER, false,                                                      \
      "tenants whose own policies a process keeps at hand")                                                  \
    X(link_by_email, LINK_BY_EMAIL, CONF_BOOL, "true", 0, 0, CONF_ROUTER, true,                              \
      "a platform's new user whose e-mail is exactly another's is bound to that one, unless the platform "   \
      "has it already under another id")                                                                     \
    X(link_external_id, LINK_EXTERNAL_ID, CONF_TEXT, "", 0, 0, CONF_ROUTER | CONF_RESOLVER, true,            \
      "a field of users, by its common name, whose equal values name one person on all platforms, such "     \
      "as a customer number; they are bound as by e-mail")                                                   \
    X(link_suggestions_max, LINK_SUGGESTIONS_MAX, CONF_INT, "10000", 0, 1000000, CONF_RESOLVER, true,        \
      "suggestions of who may be one person that a tenant keeps waiting at most; 0: none are looked for")    \
    X(brake_deletes, BRAKE_DELETES, CONF_INT, "1000", 0, 1000000000, CONF_ROUTER, false,                     \
      "more records of a tenant deleted within ten minutes pause its flow until a person decides")           \
    X(brake_percent, BRAKE_PERCENT, CONF_INT, "30", 1, 1000000, CONF_ROUTER, false,                          \
      "a larger part of a tenant's records of one type changed within ten minutes does, too")                \
    X(brake_changes, BRAKE_MIN_CHANGES, CONF_INT, "500", 1, 1000000000, CONF_ROUTER, false,                  \
      "but not when fewer records than this were changed: a small tenant's ordinary use")                    \
    X(partitions, PARTITIONS, CONF_INT, "16", 1, 256, CONF_ALL, false,                                       \
      "units of order and ownership; fixed when the database is initialised, any other value is "            \
      "refused later")                                                                                       \
    X(lease_seconds, LEASE_SECONDS, CONF_SPAN_MS, "5s", 1000, 60000, CONF_SERVICES, false,                   \
      "how long a process that has stopped answering keeps its partitions")                                  \
    X(stream_window, STREAM_WINDOW, CONF_INT, "1000", 20, 100000, CONF_ALL, false,                           \
      "references on one stream at most; the rest waits in PostgreSQL")                                      \
    X(sync_interval, SYNC_INTERVAL_SECONDS, CONF_SPAN_MS, "5s", 100, 60000, CONF_SERVICES, false,            \
      "how often an owner compares its streams with PostgreSQL")                                             \
    X(sync_batch_size, SYNC_BATCH_SIZE, CONF_INT, "100", 1, 1000, CONF_WORKER, true,                         \
      "items in one bulk delivery at most")                                                                  \
    X(bulk_platforms, SYNC_BULK_PLATFORMS, CONF_TEXT, "", 0, 0, CONF_WORKER, true,                           \
      "platforms that take deliveries in bulk, whatever their files say: names with commas between "         \
      "them")                                                                                                \
    X(max_concurrent_syncs, MAX_CONCURRENT_SYNCS, CONF_INT, "10", 1, 10000, CONF_WORKER, true,               \
      "ceiling of requests in flight to a platform, of all its workers together; the default of 10 "         \
      "means not set: the window adapts by itself")                                                          \
    X(max_http_connections, MAX_HTTP_CONNECTIONS, CONF_INT, "100", 1, 10000, CONF_WORKER, false,             \
      "connections to a platform at most")                                                                   \
    X(request_timeout, REQUEST_TIMEOUT, CONF_SPAN_MS, "30s", 100, 600000, CONF_GATEWAY | CONF_WORKER, true, \
      "a platform's time to answer")                                                                         \
    X(late_arrival, LATE_ARRIVAL, CONF_SPAN_MS, "10s", 0, 3600000, CONF_WORKER, true,                         \
      "how long after REQUEST_TIMEOUT a request without an answer may still reach a platform: what overtook "  \
      "it is asserted again then")                                                                            \
    X(retry_attempts, RETRY_ATTEMPTS, CONF_INT, "3", 0, 100, CONF_GATEWAY, true,                             \
      "repeats per target where the event says no max_retries")                                              \
    X(retry_schedule, RETRY_SCHEDULE, CONF_TEXT, "2s,1m,15m,1h", 0, 0, CONF_WORKER, true,                    \
      "waits before the repeats; the last one is used again and again; jitter between half and "             \
      "whole of each")                                                                                       \
    X(backoff_factor, BACKOFF_FACTOR, CONF_INT, "2", 1, 10, CONF_WORKER, false,                              \
      "of the original; means nothing any more: RETRY_SCHEDULE decides")                                     \
    X(parent_wait, PARENT_WAIT, CONF_SPAN_MS, "20m", 0, 86400000, CONF_WORKER, true,                         \
      "an order waits so long at most for its customer and products, while these are on their way to the "   \
      "platform; 0: never")                                                                                  \
    X(breaker_alert, BREAKER_ALERT, CONF_SPAN_MS, "60s", 0, 86400000, CONF_WORKER, true,                     \
      "a platform whose breaker is open for so long raises an alert")                                        \
    X(outage_limit, OUTAGE_LIMIT, CONF_SPAN_MS, "72h", 1000, 2592000000, CONF_WORKER, true,                  \
      "a delivery that an outage has held back so long since it was accepted ends dead, reason "             \
      "outage")                                                                                              \
    X(verify_interval, VERIFY_INTERVAL, CONF_SPAN_MS, "0", 0, 2592000000, CONF_WORKER, true,                 \
      "how often what a platform has is compared with what it should have, of all tenants; 0: only when "    \
      "asked for")                                                                                           \
    X(verify_repair, VERIFY_REPAIR, CONF_BOOL, "false", 0, 0, CONF_WORKER, true,                             \
      "what VERIFY_INTERVAL finds is put right; false: it is only told")                                     \
    X(verify_rate, VERIFY_RATE, CONF_INT, "200", 1, 100000, CONF_WORKER, true,                               \
      "rows of a platform's list that a verification reads in a second")                                     \
    X(verify_repair_rate, VERIFY_REPAIR_RATE, CONF_INT, "10", 1, 10000, CONF_WORKER, true,                   \
      "repairs that a verification sends in a second, on the average of its pages")                          \
    X(webhook_secret, WEBHOOK_SECRET, CONF_SECRET, "", 0, 0, CONF_WORKER, true,                              \
      "key of the Standard Webhooks signature on deliveries (whsec_… or text); unset: not signed")           \
    X(event_retention_days, EVENT_RETENTION_DAYS, CONF_INT, "30", 1, 3650, CONF_GATEWAY | CONF_MONITOR, true,\
      "days that finished events are kept")                                                                  \
    X(metrics_retention_days, METRICS_RETENTION_DAYS, CONF_INT, "7", 1, 3650, CONF_MONITOR, true,            \
      "days that the counts of each minute are kept")                                                        \
    X(alert_retention_days, ALERT_RETENTION_DAYS, CONF_INT, "30", 1, 3650, CONF_MONITOR, true,               \
      "days that resolved alerts are kept")                                                                  \
    X(parked_max, PARKED_MAX, CONF_INT, "10000", 1, 1000000, CONF_MONITOR, true,                             \
      "entries of the belt that nobody could read and that are kept; the oldest go first")                   \
    X(idempotency_hours, IDEMPOTENCY_HOURS, CONF_INT, "24", 1, 720, CONF_GATEWAY, true,                      \
      "hours that idempotency keys are kept")                                                                \
    X(connection_pool_size, CONNECTION_POOL_SIZE, CONF_INT, "2", 1, 20, CONF_SERVICES, false,                \
      "connections to PostgreSQL per process and role (20 in the original, whose client blocked)")           \
    X(body_max, BODY_MAX_BYTES, CONF_BYTES, "256KiB", 1024, 16777216, CONF_GATEWAY, false,                   \
      "largest body of one request, and of one event in a bulk")                                             \
    X(bulk_body_max, BULK_BODY_MAX_BYTES, CONF_BYTES, "10MiB", 1024, 268435456, CONF_GATEWAY, false,         \
      "largest body of a bulk request; smaller than UNREAD_BODIES_MAX_BYTES")                                \
    X(bulk_events_max, BULK_EVENTS_MAX, CONF_INT, "1000", 1, 10000, CONF_GATEWAY, false,                     \
      "events in one bulk request at most")                                                                  \
    X(backfill_rate, BACKFILL_RATE, CONF_INT, "100", 1, 100000, CONF_GATEWAY, true,                          \
      "rows a second that a first sync reads, where the job says nothing else")                              \
    X(backfill_window, BACKFILL_WINDOW, CONF_INT, "2000", 1, 100000, CONF_GATEWAY, true,                     \
      "events of one first sync that are not delivered yet, at most; it waits then")                         \
    X(backfill_jobs, BACKFILL_JOBS, CONF_INT, "16", 1, 256, CONF_GATEWAY, true,                              \
      "first syncs that one gateway runs at a time")                                                         \
    X(backfill_tenant_jobs, BACKFILL_TENANT_JOBS, CONF_INT, "20", 1, 10000, CONF_GATEWAY, true,              \
      "unfinished first syncs of one tenant at most")                                                        \
    X(backfill_file_max, BACKFILL_FILE_MAX_BYTES, CONF_BYTES, "1GiB", 1024, 1099511627776, CONF_GATEWAY,     \
      true, "largest file of a first sync, all its parts together")                                          \
    X(json_depth_max, JSON_DEPTH_MAX, CONF_INT, "64", 4, 64, CONF_GATEWAY, false, "nesting of JSON at most") \
    X(header_max, HEADER_MAX_BYTES, CONF_BYTES, "16KiB", 1024, 1048576, CONF_GATEWAY, false,                 \
      "all headers of a request at most")                                                                    \
    X(connections_max, CONNECTIONS_MAX, CONF_INT, "12000", 10, 100000, CONF_GATEWAY, false,                  \
      "client connections; at the cap the longest idle one is closed")                                       \
    X(unread_bodies_max, UNREAD_BODIES_MAX_BYTES, CONF_BYTES, "12MiB", 65536, 1073741824, CONF_GATEWAY,      \
      false, "memory of all requests being read or answered together; past it slow ones make room, or 503")  \
    X(unsent_answers_max, UNSENT_ANSWERS_MAX_BYTES, CONF_BYTES, "6MiB", 65536, 1073741824, CONF_GATEWAY,     \
      false, "bytes in all answers not read by clients; past it who reads slowest is closed, or 503")        \
    X(requests_max, REQUESTS_MAX, CONF_INT, "4000", 1, 100000, CONF_GATEWAY, false,                          \
      "requests waiting for an answer at most; past it: 503")                                                \
    X(client_timeout, CLIENT_TIMEOUT, CONF_SPAN_MS, "30s", 100, 600000, CONF_SERVICES, false,                \
      "a client's time to send headers and body; of a metrics listener: to read the answer, too")            \
    X(idle_timeout, IDLE_TIMEOUT, CONF_SPAN_MS, "120s", 1000, 3600000, CONF_GATEWAY, false,                  \
      "an idle client connection is closed after this")                                                      \
    X(activity_max, ACTIVITY_MAX, CONF_INT, "10000", 100, 1000000, CONF_SERVICES, false,                     \
      "changes of state kept in the activity stream, about")                                                                 \
    X(drain_timeout, DRAIN_TIMEOUT, CONF_SPAN_MS, "20s", 0, 600000, CONF_SERVICES, false,                    \
      "how long TERM waits for what is in hand")                                                             \
    X(bizosaas_url, BIZOSAAS_BRAIN_URL, CONF_URL, "http://bizosaas-brain:8001", 0, 0,                        \
      CONF_GATEWAY | CONF_WORKER, true, "base URL of bizosaas")                                              \
    X(bizoholic_url, BIZOHOLIC_FRONTEND_URL, CONF_URL, "http://bizosaas-bizoholic-frontend:3008", 0, 0,      \
      CONF_GATEWAY | CONF_WORKER, true, "base URL of bizoholic")                                            \
    X(coreldove_url, CORELDOVE_FRONTEND_URL, CONF_URL, "http://bizosaas-coreldove-frontend:3012", 0, 0,      \
      CONF_GATEWAY | CONF_WORKER, true, "base URL of coreldove")                                            \
    X(bizosaas_key, BIZOSAAS_API_KEY, CONF_SECRET, "", 0, 0, CONF_GATEWAY | CONF_WORKER, true,              \
      "bearer token for bizosaas; unset: a short-lived JWT of ours")                                         \
    X(bizoholic_key, BIZOHOLIC_API_KEY, CONF_SECRET, "", 0, 0, CONF_GATEWAY | CONF_WORKER, true,            \
      "bearer token for bizoholic; unset: a short-lived JWT of ours")                                        \
    X(coreldove_key, CORELDOVE_API_KEY, CONF_SECRET, "", 0, 0, CONF_GATEWAY | CONF_WORKER, true,            \
      "bearer token for coreldove; unset: a short-lived JWT of ours")                                        \
    X(bizosaas_inbound_secret, BIZOSAAS_INBOUND_SECRET, CONF_SECRET, "", 0, 0, CONF_GATEWAY, true,           \
      "secret that bizosaas signs its own webhooks with (Standard Webhooks); two with a comma while one replaces the "\
      "other")                                                                                               \
    X(bizosaas_inbound_tenant, BIZOSAAS_INBOUND_TENANT, CONF_TEXT, "", 0, 0, CONF_GATEWAY, true,             \
      "tenant of webhooks of bizosaas that name none")                                                       \
    X(bizoholic_inbound_secret, BIZOHOLIC_INBOUND_SECRET, CONF_SECRET, "", 0, 0, CONF_GATEWAY, true,         \
      "secret that bizoholic signs its own webhooks with (Standard Webhooks); two with a comma while one replaces the "\
      "other")                                                                                               \
    X(bizoholic_inbound_tenant, BIZOHOLIC_INBOUND_TENANT, CONF_TEXT, "", 0, 0, CONF_GATEWAY, true,           \
      "tenant of webhooks of bizoholic that name none")                                                      \
    X(coreldove_inbound_secret, CORELDOVE_INBOUND_SECRET, CONF_SECRET, "", 0, 0, CONF_GATEWAY, true,         \
      "secret that coreldove signs its own webhooks with (Saleor); two with a comma while one replaces the " \
      "other")                                                                                               \
    X(coreldove_inbound_tenant, CORELDOVE_INBOUND_TENANT, CONF_TEXT, "", 0, 0, CONF_GATEWAY, true,           \
      "tenant of webhooks of coreldove that name none")                                                      \
    X(coreldove_inbound_jwks, CORELDOVE_INBOUND_JWKS, CONF_SECRET, "", 0, 0, CONF_GATEWAY, true,             \
      "public keys of the Saleor shop as JSON, where they cannot be fetched from SALEOR_API_URL")            \
    X(auth_service_url, AUTH_SERVICE_URL, CONF_TEXT, "", 0, 0, 0, false,                                     \
      "of the original; means nothing any more: tokens are checked with JWT_SECRET or "                      \
      "JWT_PUBLIC_KEY")                                                                                      \
    X(saleor_api_url, SALEOR_API_URL, CONF_URL, "", 0, 0, CONF_GATEWAY | CONF_WORKER | CONF_CTL, true,       \
      "coreldove's Saleor: its customers, products and orders go there by GraphQL, with "                    \
      "CORELDOVE_API_KEY as the app's token; unset: by REST like the rest")                                  \
    X(django_crm_url, DJANGO_CRM_URL, CONF_TEXT, "", 0, 0, 0, false,                                         \
      "of the original; means nothing any more")                                                             \
    X(wagtail_cms_url, WAGTAIL_CMS_URL, CONF_TEXT, "", 0, 0, 0, false,                                       \
      "of the original; means nothing any more")                                                             \
    X(enable_monitoring, ENABLE_MONITORING, CONF_TEXT, "true", 0, 0, 0, false,                               \
      "of the original; means nothing any more: run the monitor or do not")                                  \
    X(alert_email, ALERT_EMAIL, CONF_TEXT, "", 0, 0, 0, false, "of the original; means nothing yet")         \
    X(slack_webhook_url, SLACK_WEBHOOK_URL, CONF_SECRET, "", 0, 0, 0, false,                                 \
      "of the original; means nothing yet")
