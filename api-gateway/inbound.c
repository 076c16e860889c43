/*
 * inbound.c: POST /sync/inbound/{platform}: is there such a door, and is the webhook really the platform's?
 *
 * What would break: the platform files may be read again while a request waits for keys, so nothing of them is kept over that;
 * it is looked up again by its name.
 */
#include "inbound.h"

#include "clock.h"
#include "log.h"

/* ---- doors ---- */

static const char *const outcome_names[] = {
#define X(name, text) text,
    INBOUND_OUTCOMES(X)
#undef X
};

static struct inbound_door *door_new(struct gateway *gateway, const char *name)
{
    struct inbound_door *door = mem_alloc(sizeof *door);

    door->gateway = gateway;
    snprintf(door->name, sizeof door->name, "%s", name);
    door->keys = inbound_keys_new(door);
    for (size_t i = 0; i < INBOUND_OUTCOMES_COUNT; i++) {
        char labels[96];
        snprintf(labels, sizeof labels, "platform=\"%s\",outcome=\"%s\"", name, outcome_names[i]);
        door->outcomes[i] = stats_register(STATS_COUNTER, "sync_inbound_webhooks_total", labels,
                                           "Webhooks of platforms that came in, by what became of them");
    }
    return door;
}

static struct inbound_door *find_door(struct inbound *inbound, const char *name)
{
    struct inbound_door *door = map_get(inbound->doors, name, strlen(name));

    if (!door) {
        door = door_new(inbound->gateway, name);
        map_put(inbound->doors, name, strlen(name), door);
    }
    return door;
}

struct inbound *inbound_new(struct gateway *gateway)
{
    struct inbound *inbound = mem_alloc(sizeof *inbound);

    inbound->gateway = gateway;
    inbound->doors = map_new();
    return inbound;
}

void inbound_free(struct inbound **inbound)
{
    struct map_iter iter = {0};
    const void *name;
    size_t len;
    void *door;

    while (map_next((*inbound)->doors, &iter, &name, &len, &door)) {
        inbound_keys_free(&((struct inbound_door *)door)->keys);
        free(door);
    }
    map_free(&(*inbound)->doors);
    free(*inbound);
    *inbound = NULL;
}

void inbound_count(const struct inbound_door *door, enum inbound_outcome outcome)
{
    stats_add(door->outcomes[outcome], 1);
}

void inbound_refuse(const struct inbound_door *door, struct http_request *http, const struct problem *problem)
{
    const struct json *first = json_count(problem->errors) > 0 ? json_at(problem->errors, 0) : NULL;

    inbound_count(door, problem->status >= 500 ? INBOUND_LATER : INBOUND_REFUSED);
    log_warn("webhook refused", LOG_STR("platform", door->name), LOG_INT("status", problem->status),
             LOG_STR("type", problem->type),
             LOG_STR("why", first ? json_get_text(first, "detail") : problem->detail),
             LOG_STR("pointer", first ? json_get_text(first, "pointer") : ""),
             LOG_STR("request_id", http_request_id(http)));
    http_problem(http, problem);
}

/* ---- the signature ---- */

static void refuse_signature(const struct inbound_door *door, struct http_request *http, const char *why)
{
    inbound_refuse(door, http, &(struct problem){.status = 401, .type = "bad-signature", .detail = why});
}

/* Its older name is still sent beside the newer one. */
static const char *saleor_header(const struct http_request *http, const char *name)
{
    char older[64];
    const char *value = http_header(http, name);

    if (value)
        return value;
    snprintf(older, sizeof older, "X-%s", name);
    return http_header(http, older);
}

static struct webhook webhook_of(const struct http_request *http, enum platform_dialect dialect)
{
    struct webhook webhook = {.id = http_header(http, "webhook-id"),
                              .timestamp = http_header(http, "webhook-timestamp"),
                              .signature = http_header(http, "webhook-signature")};

    if (dialect == PLATFORM_SALEOR)
        webhook.signature = saleor_header(http, "Saleor-Signature");
    webhook.body = http_body(http, &webhook.len);
    return webhook;
}

static void refuse_for_now(const struct inbound_door *door, struct http_request *http)
{
    bool failed = inbound_keys_failed(door->keys);

    inbound_refuse(
        door, http,
        &(struct problem){.status = 503,
                          .type = "keys-unavailable",
                          .retry_after_s = INBOUND_KEYS_RETRY_MS / 1000,
                          .detail =
                              failed ? "The shop's public keys cannot be fetched, so the signature cannot "
                                       "be checked now. Send this again shortly."
                                     : "The signature names a key that the shop did not have a moment ago. "
                                       "Send this again shortly."});
}

/* By the keys that the configuration gives. */
static bool fits_given_keys(const struct platform_inbound *inbound, const struct webhook *webhook,
                            const char **why)
{
    struct json_error error;
    bool ok;
    struct json *keys = json_parse(inbound->keys, strlen(inbound->keys), JSON_DEPTH_MAX, &error, &ok);
    bool good = ok && webhook_check_jws(webhook, keys, why) == WEBHOOK_GOOD;

    if (ok)
        json_free(keys);
    return good;
}

enum judged { JUDGED_GOOD, JUDGED_BAD, JUDGED_ANSWERED /* or it waits */ };

static enum judged judge_by_shop(struct inbound_door *door, const struct platform *platform,
                                 struct http_request *http, const struct webhook *webhook, bool fetched,
                                 const char **why)
{
    const char *url = platform_inbound(platform)->keys_url;
    const struct json *keys = inbound_keys_now(door->keys, url);
    enum webhook_verdict verdict = WEBHOOK_OTHER_KEY;

    if (keys)
        verdict = webhook_check_jws(webhook, keys, why);
    if (verdict == WEBHOOK_BAD)
        return JUDGED_BAD;
    if (!fetched && inbound_keys_due(door->keys, url, verdict == WEBHOOK_GOOD)) {
        inbound_keys_fetch(door->keys, url, platform_allows_private(platform), http);
        return JUDGED_ANSWERED;
    }
    if (verdict == WEBHOOK_GOOD)
        return JUDGED_GOOD;
    /* Asked since it came, or a moment ago: what fits no key is bad, what names another key may come again. */
    if (keys && !inbound_keys_failed(door->keys) && (fetched || verdict == WEBHOOK_UNFIT))
        return JUDGED_BAD;
    refuse_for_now(door, http);
    return JUDGED_ANSWERED;
}

static enum judged judge_saleor(struct inbound_door *door, const struct platform *platform,
                                struct http_request *http, const struct webhook *webhook, bool fetched,
                                const char **why)
{
    const struct platform_inbound *inbound = platform_inbound(platform);
    bool jws = webhook->signature && webhook_is_jws(webhook->signature);

    if (jws && inbound->keys)
        return fits_given_keys(inbound, webhook, why) ? JUDGED_GOOD : JUDGED_BAD;
    if (jws && inbound->keys_url)
        return judge_by_shop(door, platform, http, webhook, fetched, why);
    if (inbound->secrets[0])
        return webhook_check_hmac(webhook, inbound->secrets, why) == 0 ? JUDGED_GOOD : JUDGED_BAD;
    *why = webhook->signature ? "Saleor-Signature must be a JWS: header..signature."
                              : "The header Saleor-Signature is missing.";
    return JUDGED_BAD;
}

static enum judged judge(struct inbound_door *door, const struct platform *platform,
                         struct http_request *http, bool fetched, const char **why)
{
    const struct platform_inbound *inbound = platform_inbound(platform);
    struct webhook webhook = webhook_of(http, inbound->dialect);

    if (inbound->dialect == PLATFORM_SALEOR)
        return judge_saleor(door, platform, http, &webhook, fetched, why);
    return webhook_check_standard(&webhook, inbound->secrets, clock_db_ms(), why) == 0 ? JUDGED_GOOD
                                                                                       : JUDGED_BAD;
}

/* ---- the way in ---- */

/* The platform when its door is open; NULL after having refused. */
static const struct platform *open_platform(struct inbound_door *door, struct http_request *http)
{
    const struct platform *platform = platform_find(door->gateway->platforms, door->name);
    const struct platform_inbound *inbound = platform ? platform_inbound(platform) : NULL;
    char why[256];

    if (inbound && platform_inbound_is_open(inbound))
        return platform;
    snprintf(why, sizeof why, "Nothing is configured that webhooks of %s could be verified with: set %s.",
             door->name,
             inbound && inbound->secret_variable ? inbound->secret_variable
                                                 : "inbound.secret in its platform file");
    inbound_refuse(door, http, &(struct problem){.status = 403, .type = "inbound-closed", .detail = why});
    return NULL;
}

void inbound_verify(struct inbound_door *door, struct http_request *http, bool fetched)
{
    const char *why = "The signature does not fit.";
    const struct platform *platform = open_platform(door, http);

    if (!platform)
        return;
    switch (judge(door, platform, http, fetched, &why)) {
    case JUDGED_GOOD:
        inbound_deliver(&(struct inbound_delivery){door, platform, http});
        break;
    case JUDGED_BAD:
        refuse_signature(door, http, why);
        break;
    case JUDGED_ANSWERED:
        break;
    }
}

void inbound_post(struct http_request *http, void *arg)
{
    struct gateway *gateway = arg;
    const char *name = http_param(http, "platform");
    const struct platform *platform = name ? platform_find(gateway->platforms, name) : NULL;

    if (!platform || !platform_inbound(platform))
        http_problem(http, &(struct problem){.status = 404,
                                             .type = "no-such-platform",
                                             .detail = "No platform of this name sends webhooks here."});
    else
        inbound_verify(find_door(gateway->inbound, platform_name(platform)), http, false);
}
