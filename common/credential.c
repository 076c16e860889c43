/* credential.c: see credential.h. */
#include "credential.h"

#include "auth.h"
#include "clock.h"
#include "digest.h"
#include "mem.h"

#define TOKEN_TTL_MS 600000

void credential_sign(const char *secret, const char *id, int64_t timestamp_s, const struct buf *body,
                     struct buf *header)
{
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
static const char *own_token(struct credential *credential, const struct conf *conf, const char *audience)
{
    struct auth_keys keys = {.secret = conf->jwt_secret,
                             .public_key = "",
                             .issuer = conf->jwt_issuer,
                             .audience = audience,
                             .short_secret_ok = !conf_production(conf)};
    struct identity identity = {.subject = "data-sync"};
    struct buf token = BUF_INIT;

    if (credential->token && clock_db_ms() < credential->until_ms)
        return credential->token;
    if (auth_mint(&keys, &identity, clock_db_ms(), TOKEN_TTL_MS, &token) != 0) {
        buf_release(&token);
        return "";
    }
    credential_release(credential);
    credential->token = buf_detach(&token, NULL);
    credential->until_ms = clock_db_ms() + TOKEN_TTL_MS / 2;
    return credential->token;
}

void credential_add(struct credential *credential, const struct conf *conf, const struct platform *platform,
                    struct buf *header)
{
    const char *own = platform_credential(platform);
    const char *name = platform_credential_header(platform);

    if (!own)
        buf_addf(header, "Authorization: Bearer %s", own_token(credential, conf, platform_name(platform)));
    else if (strcasecmp(name, "Authorization") == 0)
        buf_addf(header, "Authorization: Bearer %s", own);
    else
        buf_addf(header, "%s: %s", name, own);
}

void credential_release(struct credential *credential)
{
    free(credential->token);
    *credential = (struct credential){0};
}
