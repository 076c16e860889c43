/*
 * webhook.h: is a webhook that came in really the platform's? Pure: keys, time and body are arguments.
 *
 * Standard Webhooks (standardwebhooks.com): webhook-signature is a list of "v1,base64(HMAC-SHA256(secret, id.timestamp.body))".
 * Saleor: a header with the hex of HMAC-SHA256(secret, body), or a detached JWS (RFC 7515 appendix F, RFC 7797: "b64": false)
 * by the shop's RSA key. Of several secrets any one will do, and of several signatures too: that is how they are rotated.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

#define WEBHOOK_TOLERANCE_MS 300000 /* between the sender's clock and ours */
#define WEBHOOK_ID_MAX 255          /* bytes */
#define WEBHOOK_SIGNATURES_MAX 16   /* of one webhook that are looked at */

struct webhook {
    const char *id, *timestamp; /* Standard Webhooks; NULL: absent, as the next */
    const char *signature;
    const char *body;
    size_t len;
};

/* These three: *why is a sentence for the sender when the webhook is refused. secrets: NULL ends. */

/* A secret that begins with whsec_ is base64, any other is used as it is. 0 or -1. */
int webhook_check_standard(const struct webhook *webhook, const char *const *secrets, int64_t now_ms,
                           const char **why);
/* 0 or -1. */
int webhook_check_hmac(const struct webhook *webhook, const char *const *secrets, const char **why);

enum webhook_verdict {
    WEBHOOK_GOOD,
    WEBHOOK_BAD,
    WEBHOOK_UNFIT,    /* not by the key of its kid, so it is bad, unless the shop has a newer one under the same kid */
    WEBHOOK_OTHER_KEY /* by a key that is not here: newer keys may have it */
};
/* keys: {"keys": […]} (RFC 7517). Only RS256: the header's alg chooses nothing. */
enum webhook_verdict webhook_check_jws(const struct webhook *webhook, const struct json *keys,
                                       const char **why);
/* header..signature; anything else is no JWS with a detached body */
bool webhook_is_jws(const char *signature);
/* NULL, or why this is no set of keys that anything can be verified with. */
const char *webhook_check_keys(const struct json *keys);
