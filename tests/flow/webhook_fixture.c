/* webhook_fixture.c: see webhook_fixture.h. */
#include "webhook_fixture.h"

#include "credential.h"
#include "digest.h"
#include "flow_fixture.h"
#include "timefmt.h"

const char *webhook_now(void)
{
    char text[TIMEFMT_LEN + 1];

    timefmt_rfc3339(clock_wall_ms(), text);
    return api_text("%s", text);
}

const char *webhook_customer(const char *type, const char *id, const char *record, const char *name)
{
    return api_text(
        "{\"__typename\":\"%s\",\"issuedAt\":\"%s\",\"user\":{\"id\":\"%s\",\"externalReference\":%s,"
        "\"email\":\"%s@example.com\",\"firstName\":\"%s\",\"lastName\":\"Lee\",\"isActive\":true}}",
        type, webhook_now(), id, record, id, name);
}

struct api_request webhook_standard_of(const char *url, const char *id, int64_t age_s, const char *secret,
                                       const char *body)
{
    struct buf content = BUF_INIT, header = BUF_INIT;
    int64_t now_s = clock_wall_ms() / 1000 - age_s;
    struct api_request request = {.url = url, .token = "", .body = body};

    buf_add_str(&content, body);
    credential_sign(secret, id, now_s, &content, &header);
    request.headers[0] = api_text("webhook-id: %s", id);
    request.headers[1] = api_text("webhook-timestamp: %lld", (long long)now_s);
    request.headers[2] = api_text("%s", header.data);
    buf_release(&content);
    buf_release(&header);
    return request;
}

struct api_request webhook_standard(const char *url, const char *id, const char *body)
{
    return webhook_standard_of(url, id, 0, WEBHOOK_SECRET, body);
}

struct api_request webhook_shop_of(const char *url, const char *event, const char *secret, const char *body)
{
    uint8_t mac[32];
    struct buf hex = BUF_INIT;
    struct api_request request = {.url = url, .token = "", .body = body};

    digest_hmac_sha256(secret, strlen(secret), body, strlen(body), mac);
    buf_add_hex(&hex, mac, sizeof mac);
    request.headers[0] = api_text("Saleor-Event: %s", event);
    request.headers[1] = api_text("Saleor-Signature: %s", hex.data);
    buf_release(&hex);
    return request;
}

struct api_request webhook_shop(const char *event, const char *body)
{
    return webhook_shop_of("/sync/inbound/coreldove", event, WEBHOOK_SHOP_SECRET, body);
}

const struct api_answer *webhook_send(struct api_request request)
{
    return api_send(&request);
}

const char *webhook_event(struct api_request request)
{
    const struct api_answer *answer = webhook_send(request);

    ck_assert_msg(answer->status == 200 && pick_text(answer->json, "/event_id"), "%d %s", answer->status,
                  answer->body);
    pick_check(answer->json, "/status", "created");
    return pick_text(answer->json, "/event_id");
}
