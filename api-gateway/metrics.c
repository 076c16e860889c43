/* metrics.c: GET /sync/metrics: the original's figures and percentiles per platform, from the counters on the path (I10). */
#include "answer.h"
#include "gateway.h"
#include "log.h"
#include "sql.h"
#include "stats.h"

#define HOURS_MAX 168 /* counters are kept for a week */
#define HOURS_DEFAULT 24

static int64_t int_of(const struct db_result *result, size_t row, const char *column)
{
    return db_get_int(result, row, db_column(result, column));
}

static int64_t at_least_zero(int64_t value)
{
    return value > 0 ? value : 0;
}

/* Upper limit of the bucket in which that share of the deliveries ended; null when there is none. */
static void add_percentile(struct buf *out, const char *key, const int64_t counts[STATS_BUCKETS],
                           unsigned percent)
{
    int64_t total = 0, seen = 0;
    unsigned bucket = 0;
    for (unsigned i = 0; i < STATS_BUCKETS; i++)
        total += counts[i];
    if (total == 0) {
        answer_null(out, key);
        return;
    }
    while (bucket < STATS_BUCKETS - 2 && (seen += counts[bucket]) * 100 < total * percent)
        bucket++;
    answer_int(out, key, stats_bucket_limit_ms(bucket));
}

static void add_platform(struct buf *out, const struct db_result *result, size_t row)
{
    int64_t counts[STATS_BUCKETS] = {0};
    int64_t completed = int_of(result, row, "completed");
    db_get_ints(result, row, db_column(result, "latency"), counts, STATS_BUCKETS);
    answer_open(out, NULL, '{');
    answer_text(out, "platform", db_get_text(result, row, db_column(result, "platform"), NULL));
    answer_int(out, "delivered", completed);
    answer_int(out, "failed", int_of(result, row, "failed"));
    answer_int(out, "retried", int_of(result, row, "retried"));
    answer_int(out, "average_ms", completed > 0 ? int_of(result, row, "total_ms") / completed : 0);
    add_percentile(out, "p50_ms", counts, 50);
    add_percentile(out, "p95_ms", counts, 95);
    add_percentile(out, "p99_ms", counts, 99);
    answer_time(out, "last_success", db_get_time_ms(result, row, db_column(result, "last_done")));
    answer_close(out, '}');
}

struct sums {
    int64_t accepted, completed, failed, total_ms, last_ms;
};

static struct sums read_events(const struct db_result *result, size_t first)
{
    struct sums sums = {.last_ms = INT64_MIN};
    if (first == 0)
        return sums;
    sums.accepted = int_of(result, 0, "accepted");
    sums.completed = int_of(result, 0, "completed");
    sums.failed = at_least_zero(int_of(result, 0, "failed"));
    sums.total_ms = int_of(result, 0, "total_ms");
    sums.last_ms = db_get_time_ms(result, 0, db_column(result, "last_done"));
    return sums;
}

static void add_events(struct buf *out, const struct sums *sums)
{
    int64_t ended = sums->completed + sums->failed;
    answer_int(out, "total_events", sums->accepted);
    answer_int(out, "events_processed", sums->completed);
    answer_int(out, "events_failed", sums->failed);
    answer_int(out, "events_pending", at_least_zero(sums->accepted - ended));
    answer_int(out, "average_processing_time_ms", ended > 0 ? sums->total_ms / ended : 0);
}

static void write_metrics(struct buf *out, const struct db_result *result)
{
    /* The row of the events themselves comes first: its platform is ''. */
    size_t rows = db_rows(result);
    size_t first = rows > 0 && *db_get_text(result, 0, db_column(result, "platform"), NULL) == '\0' ? 1 : 0;
    struct sums sums = read_events(result, first);
    answer_open(out, NULL, '{');
    add_events(out, &sums);
    answer_open(out, "platforms_synced", '[');
    for (size_t row = first; row < rows; row++)
        if (int_of(result, row, "completed") > 0)
            answer_text(out, NULL, db_get_text(result, row, db_column(result, "platform"), NULL));
    answer_close(out, ']');
    answer_time(out, "last_sync_time", sums.last_ms);
    answer_open(out, "platforms", '[');
    for (size_t row = first; row < rows; row++)
        add_platform(out, result, row);
    answer_close(out, ']');
    answer_close(out, '}');
}

static void on_metrics(enum db_status status, const struct db_result *result, void *arg)
{
    struct http_request *request = arg;
    struct buf out = BUF_INIT;
    if (status == DB_OK) {
        write_metrics(&out, result);
        http_reply(request, 200, "application/json", &out);
    } else {
        gateway_refuse_database(request, status, result);
    }
    buf_release(&out);
}

void metrics_get(struct http_request *request, void *arg)
{
    struct gateway *gateway = arg;
    int64_t hours;
    const char *tenant = http_tenant(request, http_query(request, "tenant_id"));
    if (!tenant) {
        gateway_refuse_tenant(request);
        return;
    }
    if (gateway_query_int(request, "hours", 1, HOURS_MAX, HOURS_DEFAULT, &hours) < 0)
        return;
    struct db_params *params = db_params_new();
    db_add_int(params, hours);
    db_query_tenant(store_db(gateway->store), tenant, sql_metrics, params, on_metrics, request);
}
