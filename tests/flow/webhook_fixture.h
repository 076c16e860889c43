/* webhook_fixture.h: platforms that send their own webhooks, signed as they sign them. What is returned stays. */
#pragma once
#include "api_fixture.h"

/* For stack_options.env: bizosaas has two secrets, the shop one, bizoholic none. */
#define WEBHOOK_SECRET_OLD "an-old-secret"
#define WEBHOOK_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define WEBHOOK_SHOP_SECRET "a-shop-secret"
#define WEBHOOK_ENV                                                   \
    "BIZOSAAS_INBOUND_SECRET=" WEBHOOK_SECRET_OLD "," WEBHOOK_SECRET, \
        "CORELDOVE_INBOUND_SECRET=" WEBHOOK_SHOP_SECRET, "CORELDOVE_INBOUND_TENANT=" API_TENANT

/* The request that a platform would make, for api_send and api_send_together. */
struct api_request webhook_standard(const char *url, const char *id, const char *body);
struct api_request webhook_standard_of(const char *url, const char *id, int64_t age_s, const char *secret,
                                       const char *body);
struct api_request webhook_shop(const char *event, const char *body);
struct api_request webhook_shop_of(const char *url, const char *event, const char *secret, const char *body);
/* The body of a shop's webhook about a customer; record: JSON, null or our record id in quotes. */
const char *webhook_customer(const char *type, const char *id, const char *record, const char *name);
const char *webhook_now(void); /* RFC 3339 */

const struct api_answer *webhook_send(struct api_request request);
/* Sends it; a failed test unless it is taken. The event's id. */
const char *webhook_event(struct api_request request);
