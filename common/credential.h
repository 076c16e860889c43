/*
 * credential.h: how a request to a platform shows who sent it: the platform's credential or a short-lived token of ours, and
 * the signature of a delivery.
 */
#pragma once
#include <stdint.h>

#include "buf.h"
#include "conf.h"
#include "platform.h"

/* Our own token for one platform, kept for half its life. Zero it before use. */
struct credential {
    char *token;
    int64_t until_ms;
};

/* Adds "Name: value" to header. */
void credential_add(struct credential *credential, const struct conf *conf, const struct platform *platform,
                    struct buf *header);
void credential_release(struct credential *credential);

/* Standard Webhooks: "webhook-signature: v1,base64(HMAC-SHA256(secret, id.timestamp.body))". A secret that begins with whsec_
 * is base64, any other is used as it is. */
void credential_sign(const char *secret, const char *id, int64_t timestamp_s, const struct buf *body,
                     struct buf *header);
