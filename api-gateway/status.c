/*
 * status.c: /, /health, /livez, /readyz and /sync/status. None of them hangs: what PostgreSQL or Redis does not answer soon is
 * shown as it was last known.
 *
 * Owners, leases and depths are of the whole service, so only an operator of all tenants sees them (I7).
 */
#include <event2/event.h>

#include "answer.h"
#include "clock.h"
#include "log.h"
#include "sql.h"
#include "status_snapshot.h"
#include "version.h"

struct status {
    struct snapshots *snapshots;
};

/* Owner: the callback that answers, and then, while it is still due, that of the query. */
struct asking {
    struct gateway *gateway;
    struct http_request *request; /* NULL once answered */
    struct buf out;
    struct event *timer; /* answers without the overview */
};

static void reply(struct http_request *request, int status, struct buf *out)
{
    http_reply(request, status, "application/json", out);
    buf_release(out);
}

static struct asking *asking_new(struct gateway *gateway, struct http_request *request)
{
    struct asking *asking = mem_alloc(sizeof *asking);
    asking->gateway = gateway;
    asking->request = request;
    buf_init(&asking->out);
    return asking;
}

static void asking_end(struct asking *asking)
{
    answer_close(&asking->out, '}');
    reply(asking->request, 200, &asking->out);
    asking->request = NULL;
}

static void asking_free(struct asking *asking)
{
    if (asking->timer)
        event_free(asking->timer);
    free(asking);
}

static void add_json(struct buf *out, const char *key, const struct buf *json, const char *otherwise)
{
    if (json->len > 0)
        answer_json(out, key, json->data, json->len);
    else
        answer_json(out, key, otherwise, strlen(otherwise));
}

void status_root(struct http_request *request, void *arg)
{
    const struct gateway *gateway = arg;
    struct buf out = BUF_INIT;
    answer_open(&out, NULL, '{');
    answer_text(&out, "message", "BizOSaaS cross-platform data synchronization");
    answer_text(&out, "version", VERSION);
    answer_text(&out, "environment", gateway->conf->environment);
    answer_text(&out, "docs", "/openapi.json");
    answer_close(&out, '}');
    reply(request, 200, &out);
}

void status_livez(struct http_request *request, void *arg)
{
    struct buf out = BUF_INIT;
    (void)arg;
    buf_add_str(&out, "{\"alive\":true}");
    reply(request, 200, &out);
}

void status_readyz(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    struct buf out = BUF_INIT;
    bool ready = service_readiness(gateway->service, &out);
    reply(request, ready ? 200 : 503, &out);
}

/* ---- /health ---- */

static const char *database_word(const struct gateway *gateway, const struct snapshot *snapshot)
{
    if (!db_up(store_db(gateway->store)))
        return "disconnected";
    return store_up(gateway->store) && snapshot->database_answers && accept_writable(gateway->accept)
               ? "healthy"
               : "unhealthy";
}

static const char *belt_word(const struct gateway *gateway, const struct snapshot *snapshot)
{
    if (!stream_up(gateway->belt))
        return "disconnected";
    if (*snapshot->belt_refusal)
        return "unhealthy"; /* it answers, and takes nothing */
    /* Without PostgreSQL the belt is not asked: its connection is all that is known. */
    return snapshot->belt_answers || !snapshot->database_answers ? "healthy" : "unhealthy";
}

/* `status` says that this process answers; what it needs stands below it, as the original's clients know it. */
static void on_health(const struct snapshot *snapshot, void *arg)
{
    struct asking *asking = arg;
    struct buf *out = &asking->out, ready = BUF_INIT;
    if (!snapshot) {
        asking_free(asking);
        return;
    }
    answer_open(out, NULL, '{');
    answer_text(out, "status", "healthy");
    answer_time(out, "timestamp", clock_db_ms());
    answer_text(out, "environment", asking->gateway->conf->environment);
    answer_open(out, "services", '{');
    answer_text(out, "redis", belt_word(asking->gateway, snapshot));
    answer_text(out, "postgresql", database_word(asking->gateway, snapshot));
    answer_close(out, '}');
    answer_bool(out, "ready", service_readiness(asking->gateway->service, &ready));
    add_json(out, "stages", &snapshot->replicas, "{}");
    buf_release(&ready);
    asking_end(asking);
    asking_free(asking);
}

void status_health(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    snapshots_ask(gateway->status->snapshots, on_health, asking_new(gateway, request));
}

/* ---- /sync/status ---- */

/* A share as a number from 0 to 1 with four decimals. */
static void add_share(struct buf *out, const char *key, int64_t part, int64_t whole)
{
    char text[32];
    int64_t share = whole > 0 ? part * 10000 / whole : 0;
    snprintf(text, sizeof text, "%lld.%04lld", (long long)(share / 10000), (long long)(share % 10000));
    answer_json(out, key, text, strlen(text));
}

static void add_overview(struct buf *out, const struct db_result *result)
{
    int64_t completed = db_get_int(result, 0, db_column(result, "completed"));
    int64_t failed = db_get_int(result, 0, db_column(result, "failed")), total = completed + failed;
    const char *alerts;
    size_t len;
    answer_open(out, "overview", '{');
    answer_int(out, "total_syncs", total);
    add_share(out, "success_rate", completed, total);
    add_share(out, "failure_rate", failed, total);
    answer_int(out, "avg_processing_time_ms",
               total > 0 ? db_get_int(result, 0, db_column(result, "total_ms")) / total : 0);
    answer_int(out, "total_errors", db_get_int(result, 0, db_column(result, "errors")));
    answer_int(out, "critical_errors", db_get_int(result, 0, db_column(result, "critical")));
    answer_close(out, '}');
    alerts = db_get_text(result, 0, db_column(result, "alerts"), &len);
    answer_json(out, "active_alerts", alerts, len);
}

static void end_without_overview(struct asking *asking)
{
    answer_null(&asking->out, "overview");
    answer_null(&asking->out, "active_alerts");
    asking_end(asking);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    end_without_overview(arg);
}

static void on_overview(enum db_status status, const struct db_result *result, void *arg)
{
    struct asking *asking = arg;
    if (asking->request && status == DB_OK) {
        add_overview(&asking->out, result);
        asking_end(asking);
    } else if (asking->request) {
        end_without_overview(asking);
    }
    asking_free(asking);
}

static void ask_overview(struct asking *asking, const char *tenant)
{
    static const struct timeval wait = {0, SNAPSHOT_WAIT_MS * 1000};
    asking->timer = evtimer_new(service_base(asking->gateway->service), on_late, asking);
    evtimer_add(asking->timer, &wait);
    db_query_tenant(store_db(asking->gateway->store), tenant, sql_overview, NULL, on_overview, asking);
}

static void add_belt(struct buf *out, const struct gateway *gateway, const struct snapshot *snapshot)
{
    answer_open(out, "belt", '{');
    answer_text(out, "redis", belt_word(gateway, snapshot));
    if (stream_up(gateway->belt) && *snapshot->belt_refusal)
        answer_text(out, "refusal", snapshot->belt_refusal);
    else
        answer_null(out, "refusal");
    answer_close(out, '}');
}

static void add_streams(struct buf *out, const struct gateway *gateway, const struct snapshot *snapshot)
{
    answer_open(out, "streams", '[');
    for (size_t i = 0; i < snapshot->stream_count; i++) {
        answer_open(out, NULL, '{');
        answer_text(out, "stream", snapshot->streams[i].name);
        if (snapshot->streams[i].depth >= 0 && stream_up(gateway->belt))
            answer_int(out, "depth", snapshot->streams[i].depth);
        else
            answer_null(out, "depth");
        answer_close(out, '}');
    }
    answer_close(out, ']');
}

static void on_status(const struct snapshot *snapshot, void *arg)
{
    struct asking *asking = arg;
    struct buf *out = &asking->out;
    if (!snapshot) {
        asking_free(asking);
        return;
    }
    const char *tenant = http_tenant(asking->request, http_query(asking->request, "tenant_id"));
    answer_open(out, NULL, '{');
    answer_int(out, "queue_size", snapshot->waiting);
    answer_int(out, "processing", snapshot->processing);
    answer_int(out, "pending", snapshot->pending);
    answer_int(out, "retry", snapshot->backoff);
    answer_bool(out, "sync_engine_active", snapshot->active);
    answer_time(out, "timestamp", clock_db_ms());
    add_json(out, "platform_health", &snapshot->platforms, "[]");
    if (strcmp(tenant, AUTH_ALL_TENANTS) == 0) {
        add_json(out, "queue_status", &snapshot->stages, "[]");
        add_belt(out, asking->gateway, snapshot);
        add_streams(out, asking->gateway, snapshot);
        add_json(out, "leases", &snapshot->leases, "[]");
    }
    if (store_up(asking->gateway->store)) {
        ask_overview(asking, tenant);
    } else {
        end_without_overview(asking);
        asking_free(asking);
    }
}

void status_sync(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    if (http_tenant(request, http_query(request, "tenant_id")))
        snapshots_ask(gateway->status->snapshots, on_status, asking_new(gateway, request));
    else
        gateway_refuse_tenant(request);
}

struct status *status_new(struct gateway *gateway)
{
    struct status *status = mem_alloc(sizeof *status);
    status->snapshots = snapshots_new(gateway);
    return status;
}

void status_free(struct status **status)
{
    snapshots_free(&(*status)->snapshots);
    free(*status);
    *status = NULL;
}
