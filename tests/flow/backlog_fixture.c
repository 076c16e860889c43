/* backlog_fixture.c: see backlog_fixture.h. */
#include "backlog_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "flow_fixture.h"

#define BULK 100

static char *bulk_of(const char *tenant, const char *prefix, const char *entity, const char *target, int from,
                     int count)
{
    struct buf body = BUF_INIT;

    buf_add_str(&body, "{\"events\":[");
    for (int i = from; i < from + count; i++)
        buf_addf(
            &body,
            "%s{\"event_type\":\"%s_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":[%s],"
            "\"tenant_id\":\"%s\",\"data\":{\"id\":\"%s%d\",\"email\":\"b@example.com\",\"name\":\"N\","
            "\"status\":\"new\"}}",
            i > from ? "," : "", entity, target, tenant, prefix, i);
    buf_add_str(&body, "]}");
    return buf_detach(&body, NULL);
}

void backlog_post(const char *tenant, const char *prefix, const char *entity, const char *target, int count)
{
    const char *quoted = api_text("\"%s\"", target);

    for (int from = 0; from < count; from += BULK) {
        char *body = bulk_of(tenant, prefix, entity, quoted, from, count - from < BULK ? count - from : BULK);
        const struct api_answer *answer = api_send(&(struct api_request){
            .url = "/sync/events/bulk", .body = body, .token = api_token(tenant, "service")});
        ck_assert_msg(answer->status == 202 || answer->status == 200 || answer->status == 201, "%d %s",
                      answer->status, answer->body);
        free(body);
    }
}

void backlog_await_routed(const char *tenant, int count)
{
    flow_wait(sql_int("SELECT count(*) FROM sync_events WHERE tenant_id = '%s' AND status > 0", tenant) >=
                  count,
              60);
}

int64_t backlog_delivered(const char *tenant, const char *target)
{
    usleep(flow_size(0, 300000)); /* so many are not counted all the time */
    return sql_int(
        "SELECT count(*) FROM deliveries WHERE tenant_id = '%s' AND target = '%s' AND state IN (2, 3)",
        tenant, target);
}

int64_t backlog_p99_ms(const char *tenant, const char *target)
{
    return sql_int(
        "SELECT (percentile_disc(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM d.processed_at - "
        "e.created_at)) * "
        "1000)::int8 FROM deliveries d JOIN sync_events e ON e.id = d.event_id WHERE d.tenant_id = '%s' AND "
        "d.target = '%s' AND d.state IN (2, 3)",
        tenant, target);
}

int64_t backlog_span_ms(const char *tenant, const char *target)
{
    return sql_int("SELECT (extract(epoch FROM max(processed_at) - min(processed_at)) * 1000)::int8 FROM "
                   "deliveries WHERE tenant_id = '%s' AND target = '%s' AND state = 2",
                   tenant, target);
}

int64_t backlog_on_belt(const char *target)
{
    int64_t sum = 0;

    for (int partition = 0; partition < 16; partition++)
        for (int priority = 0; priority < 4; priority++) {
            static const char *const names[] = {"critical", "high", "normal", "low"};
            sum += redis_number("SCARD on:deliver:%s:%s:{p%02d}", target, names[priority], partition);
        }
    return sum;
}

void backlog_fill(const char *tenant, long count, long versions, const char *target)
{
    const char *head =
        api_text("CREATE TEMP TABLE fill ON COMMIT DROP AS SELECT (lpad(to_hex((extract(epoch FROM now()) * "
                 "1000)::bigint), 12, '0') || '7'"
                 " || lpad(to_hex(n / 65536), 3, '0') || '8' || lpad(to_hex(n %% 65536), 6, "
                 "'0') || lpad(to_hex((random() *"
                 " 1e9)::int), 9, '0'))::uuid AS id, (substr(h, 1, 12) || '8' || substr(h, "
                 "14, 3) || 'a' || substr(h, 18, 15)"
                 ")::uuid AS record, 'f' || e AS entity, version, nextval('sync_seq') AS seq, "
                 "convert_to('{\"email\":\"f@exam"
                 "ple.com\",\"name\":\"n' || version || '\",\"id\":\"f' || e || '\"}', "
                 "'UTF8') AS data FROM (SELECT n, n %% "
                 "%ld AS e, n / %ld + 1 AS version, encode(sha256(convert_to('%s', 'UTF8') || "
                 "'\\x00'::bytea || 'user'::bytea"
                 " || '\\x00'::bytea || convert_to('f' || n %% %ld, 'UTF8')), 'hex') AS h "
                 "FROM generate_series(0, %ld) n) x "
                 "ORDER BY n;",
                 count / versions, count / versions, tenant, count / versions, count - 1);
    const char *events = api_text(
        "INSERT INTO sync_events (id, record_id, seq, version, partition, priority, priority_given, status, "
        "max_retries, open_count, event_type, entity_type, entity_id, source_platform, target_platforms, "
        "tenant_id, "
        "data) SELECT id, record, seq, version, sync_partition(record, 16), 2, 5, 1, 3, 1, CASE version WHEN "
        "1 THEN "
        "'user_created' ELSE 'user_updated' END, 'user', entity, 'bizoholic', '{%s}', '%s', '\\x00'::bytea "
        "|| data "
        "FROM fill; INSERT INTO record_versions (record_id, event_id, version, seq, deleted, tenant_id, "
        "source, "
        "changed, data) SELECT record, id, version, seq, false, '%s', 'bizoholic', '{email,name}', "
        "'\\x00'::bytea || "
        "data FROM fill;",
        target, tenant, tenant);
    const char *records =
        api_text("INSERT INTO records (id, event_id, version, partition, tenant_id, entity_type, entity_id, "
                 "vector, data, "
                 "notes) SELECT record, id, version, sync_partition(record, 16), '%s', 'user', entity, "
                 "'{\"bizoholic\":' || "
                 "version || '}', '\\x00'::bytea || data, '\\x00'::bytea || convert_to('{}', 'UTF8') FROM "
                 "fill WHERE version "
                 "= %ld; INSERT INTO deliveries (event_id, target, record_id, partition, seq, version, "
                 "priority, state, "
                 "tenant_id) SELECT id, '%s', record, sync_partition(record, 16), seq, version, 2, 0, '%s' "
                 "FROM fill; INSERT "
                 "INTO stage_counts (stage, writer, waiting) VALUES ('worker-%s', 'fill', %ld) ON CONFLICT "
                 "(stage, writer) DO "
                 "UPDATE SET waiting = stage_counts.waiting + excluded.waiting; ANALYZE deliveries",
                 tenant, versions, target, tenant, target, count);

    sql_do("%s%s%s", head, events, records);
}
