/*
 * delivery.c: takes one delivery: read it, check its signature, let a fault rule strike, change the record, note it, answer.
 *
 * A rule comes before the record changes, because a platform that answers 503 must not have applied what it refused.
 */
#include <inttypes.h>

#include "digest.h"
#include "mem.h"
#include "platform_impl.h"

/* ── reading ── */

int delivery_operation(const char *name)
{
    static const char *const names[] = {"create", "update", "delete"};

    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

void delivery_refuse(struct delivery *delivery, int status, const char *sentence)
{
    if (delivery->refusal)
        return;
    delivery->refusal_status = status;
    delivery->refusal = sentence;
}

static void read_path(struct delivery *delivery, const char *method, const char *path)
{
    static const char *const operational[] = {"analytics/update", "system/health", "system/metrics",
                                              "system/config"};
    const char *rest = strchr(path, '/');

    snprintf(delivery->entity, sizeof delivery->entity, "%.*s", (int)strcspn(path, "/"), path);
    rest = rest ? rest + 1 : "";
    delivery->has_record = records_id_names(delivery->entity) != NULL;
    snprintf(delivery->operation, sizeof delivery->operation, "%s", rest);
    if (delivery->has_record && delivery_operation(rest) < 0 && *rest && strcmp(method, "POST") != 0) {
        snprintf(delivery->path_id, sizeof delivery->path_id, "%s", rest);
        http_percent_decode(delivery->path_id);
        snprintf(delivery->operation, sizeof delivery->operation,
                 strcmp(method, "DELETE") == 0 ? "delete" : "update");
    }
    if (delivery->has_record && delivery_operation(delivery->operation) >= 0)
        return;
    for (size_t i = 0; i < sizeof operational / sizeof *operational; i++)
        if (strcmp(operational[i], path) == 0)
            return;
    delivery_refuse(delivery, 404, "no such route");
}

static void read_ids(struct delivery *delivery)
{
    const char *const *names = records_id_names(delivery->entity);
    const char *record_id = json_get_text(json_get(delivery->data, "_sync_metadata"), "record_id"), *id;
    size_t n = 0;

    for (; names && *names; names++)
        if ((id = json_text(json_get(delivery->data, *names), NULL)))
            delivery->ids[n++] = id;
    if (delivery->path_id[0])
        delivery->ids[n++] = delivery->path_id;
    if (record_id)
        delivery->ids[n++] = record_id;
    if (n == 0 && delivery->has_record)
        delivery_refuse(
            delivery, 422,
            "data names no record: an id, the entity's own id or _sync_metadata.record_id is needed");
    else if (delivery->has_record)
        snprintf(delivery->order_key, sizeof delivery->order_key, "%s/%s/%s", delivery->entity,
                 delivery->tenant, record_id ? record_id : delivery->ids[0]);
}

void delivery_read(struct delivery *delivery)
{
    const struct json *metadata;

    delivery->tenant = "";
    if (delivery->body) {
        delivery->data = json_get(delivery->body, "data");
        if (json_get_text(delivery->body, "tenant_id"))
            delivery->tenant = json_get_text(delivery->body, "tenant_id");
    }
    if (json_type(delivery->data) != JSON_OBJECT) {
        delivery->data = NULL;
        if (!delivery->path_id[0])
            delivery_refuse(delivery, 422, "data must be an object");
    }
    metadata = delivery->data ? json_get(delivery->data, "_sync_metadata") : NULL;
    if (metadata && json_get(metadata, "version"))
        json_int64(json_get(metadata, "version"), &delivery->version);
    if (delivery->data || delivery->path_id[0])
        read_ids(delivery);
}

static void read_body(struct delivery *delivery, const struct http_request *request)
{
    struct json_error error;
    bool ok = true;

    if (request->body_len)
        delivery->body = json_parse(request->body, request->body_len, JSON_DEPTH_MAX, &error, &ok);
    if (ok && (!request->body_len || json_type(delivery->body) == JSON_OBJECT)) {
        delivery_read(delivery);
        return;
    }
    delivery->tenant = "";
    delivery_refuse(delivery, 400, "the body is no JSON object");
}

/* ── signature ── */

/* One of the signatures in the header ("v1,<base64> v1,<base64>") must be HMAC-SHA256 over "id.timestamp.body". */
bool delivery_is_signed(const struct platform *platform, const struct http_request *request)
{
    const char *id = http_header(request, "webhook-id"), *time = http_header(request, "webhook-timestamp");
    const char *header = http_header(request, "webhook-signature");
    struct buf text = BUF_INIT, expected = BUF_INIT;
    uint8_t mac[32];
    bool holds = false;

    if (!platform->secret.len)
        return true;
    if (!id || !time || !header)
        return false;
    buf_addf(&text, "%s.%s.", id, time);
    buf_add(&text, request->body, request->body_len);
    digest_hmac_sha256(platform->secret.data, platform->secret.len, text.data, text.len, mac);
    buf_add_str(&expected, "v1,");
    digest_base64(&expected, mac, sizeof mac);
    for (const char *at = header; *at && !holds; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");

        holds = len == expected.len && digest_equal(at, expected.data, len);
        at += len;
    }
    buf_release(&text);
    buf_release(&expected);
    return holds;
}

/* ── applying ── */

static int write_verdict(struct platform *platform, enum record_verdict verdict, const struct record *record)
{
    static const struct {
        int status;
        const char *error;
    } refusals[] = {[RECORD_EXISTS] = {409, "this record is there already"},
                    [RECORD_UNKNOWN] = {404, "no such record"},
                    [RECORD_FULL] = {507, "this platform is full: start it with a larger --records"}};
    struct buf *out = &platform->out;

    if (verdict == RECORD_DONE || verdict == RECORD_IGNORED) {
        buf_addf(out, "{\"success\":true,\"id\":\"%s\",\"version\":%" PRId64 "%s}", record->own_id,
                 record->version, verdict == RECORD_IGNORED ? ",\"ignored\":true" : "");
        return 200;
    }
    buf_addf(out, "{\"success\":false,\"error\":\"%s\"%s", refusals[verdict].error, record ? ",\"id\":" : "");
    if (record)
        buf_add_json(out, record->own_id, strlen(record->own_id));
    buf_add_ch(out, '}');
    return refusals[verdict].status;
}

int delivery_apply(struct platform *platform, const struct delivery *delivery)
{
    struct record_change change = {.entity = delivery->entity,
                                   .tenant = delivery->tenant,
                                   .path_id = delivery->path_id[0] ? delivery->path_id : NULL,
                                   .data = delivery->data,
                                   .version = delivery->version};
    struct record *record = NULL;
    enum record_verdict verdict;

    buf_reset(&platform->out);
    if (delivery->refusal) {
        buf_addf(&platform->out, "{\"success\":false,\"error\":\"%s\"}", delivery->refusal);
        return delivery->refusal_status;
    }
    if (!delivery->has_record) {
        buf_addf(&platform->out, "{\"success\":true,\"id\":\"%s-%s-%" PRIu64 "\"}", platform->name,
                 delivery->entity, ++platform->operational);
        return 200;
    }
    change.operation = (enum record_operation)delivery_operation(delivery->operation);
    verdict = records_apply(&platform->records, &change, &record);
    return write_verdict(platform, verdict, record);
}

static void settle(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                   struct delivery *delivery)
{
    struct fault_subject subject = {request->path,    delivery->entity, delivery->operation,
                                    delivery->tenant, delivery->ids,    FAULT_SINGLE};
    struct fault fault = {NULL, true, false};
    struct http_answer answer = {0};
    bool struck =
        delivery->refusal_status != 401 && faults_strike(platform->faults, &subject, &fault, &answer);
    struct received_facts facts = {.record = delivery->order_key[0] ? delivery->order_key : NULL,
                                   .version = delivery->version,
                                   .fault = fault.action};
    int status = 0;

    buf_reset(&platform->out);
    if (delivery->refusal || fault.apply)
        status = delivery_apply(platform, delivery);
    if (fault.action && strcmp(fault.action, "late") == 0)
        late_keep(platform, delivery);
    if (!struck || !fault.replaces_answer) {
        answer.status = status ? status : 200;
        answer.body = platform->out.data;
        answer.body_len = platform->out.len;
    }
    facts.status = answer.ending == HTTP_WHOLE ? answer.status : 0;
    received_add(platform->received, request, &facts);
    http_answer(conn, &answer);
}

void delivery_request(struct platform *platform, struct http_conn *conn, const struct http_request *request,
                      const char *path_after_sync)
{
    struct delivery delivery = {0};

    if (!delivery_is_signed(platform, request))
        delivery_refuse(&delivery, 401, "the signature does not hold");
    read_path(&delivery, request->method, path_after_sync);
    read_body(&delivery, request);
    settle(platform, conn, request, &delivery);
    json_free(delivery.body);
}
