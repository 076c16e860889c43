/* credential.c: how a delivery shows who sent it: the platform's credential or a token of ours, and a signature. */
#include "auth.h"
#include "clock.h"
#include "digest.h"
#include "mem.h"
#include "worker.h"

#define TOKEN_TTL_MS 600000

/* Standard Webhooks: v1,base64(HMAC-SHA256(secret, id.timestamp.body)). */
void credential_sign(const struct worker *worker, const char *id, int64_t timestamp_s, const struct buf *body,
                     struct buf *header)
{
    const char *secret = worker->conf->webhook_secret;
    struct buf content = BUF_INIT, key = BUF_INIT;
    uint8_t mac[32];

    if (strncmp(secret, "whsec_", 6) != 0 || digest_base64_decode(&key, secret + 6, strlen(secret + 6)) != 0)
        buf_add_str(&key, secret);
    buf_addf(&content, "%s.%lld.", id, (long long)timestamp_s);
    buf_add(&content, body->data, body->len);
    digest_hmac_sha256(key.data, key.len, content.data, content.len, mac);
    buf_add_str(header, "webhook-signature: v1,");
    digest_base64(header, mac, sizeof mac);
    buf_release(&content);
    buf_release(&key);
}

/* Our own short-lived token, for platforms without a credential of their own. It names neither tenant nor role, so that it
 * opens nothing here. */
static const char *own_token(struct worker *worker)
{
    struct auth_keys keys = {.secret = worker->conf->jwt_secret,
                             .public_key = "",
                             .issuer = worker->conf->jwt_issuer,
                             .audience = worker->name,
                             .short_secret_ok = !conf_production(worker->conf)};
    struct identity identity = {.subject = "data-sync"};
    struct buf token = BUF_INIT;

    if (worker->token && clock_db_ms() < worker->token_until_ms)
        return worker->token;
    if (auth_mint(&keys, &identity, clock_db_ms(), TOKEN_TTL_MS, &token) != 0) {
        buf_release(&token);
        return "";
    }
    free(worker->token);
    worker->token = buf_detach(&token, NULL);
    worker->token_until_ms = clock_db_ms() + TOKEN_TTL_MS / 2;
    return worker->token;
}

void credential_add(struct worker *worker, struct buf *header)
{
    const char *credential = platform_credential(worker->platform);
    const char *name = platform_credential_header(worker->platform);

    if (!credential)
        buf_addf(header, "Authorization: Bearer %s", own_token(worker));
    else if (strcasecmp(name, "Authorization") == 0)
        buf_addf(header, "Authorization: Bearer %s", credential);
    else
        buf_addf(header, "%s: %s", name, credential);
}
