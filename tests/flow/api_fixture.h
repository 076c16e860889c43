/*
 * api_fixture.h: a client of the API, and tokens.
 *
 * Answers and tokens stay until the test program ends: nothing to free. A request that gets no HTTP answer has status 0.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "json.h"

#define API_TENANT "tenant123" /* of the README's event, and of tokens where nothing else is said */

struct api_answer {
    int status;        /* 0: no answer, why says the reason */
    const char *why;
    const char *head;  /* status line and headers of the last answer */
    const char *body;  /* ends in NUL */
    size_t body_len;
    struct json *json; /* NULL when the body is not JSON */
    int64_t sent_us;   /* this machine's clock, just before the request went out */
    int64_t took_us;
};

struct api_request {
    const char *method;   /* NULL: POST with a body, else GET */
    const char *url;      /* path behind API_URL, or a whole URL */
    const char *token;    /* NULL: api_token(API_TENANT, "service"); "" sends none */
    const char *body;     /* NULL: none */
    size_t body_len;      /* 0: strlen(body) */
    const char *type;     /* Content-Type of the body; NULL: application/json; "" sends none */
    const char *key;      /* Idempotency-Key; NULL: none */
    const char *headers[6]; /* further ones, "Name: value" */
};

const struct api_answer *api_send(const struct api_request *request);
/* All at the same time, each on a connection of its own. */
void api_send_together(const struct api_request *requests, const struct api_answer **answers, size_t count);
const struct api_answer *api_get(const char *url, ...) __attribute__((format(printf, 1, 2)));
const struct api_answer *api_post(const char *url, const char *body);
const struct json *api_found(const char *url); /* a failed test unless GET answers 200; the answer */
/* A header of the answer, NULL when it is not there. */
const char *api_header(const struct api_answer *answer, const char *name);

/* POST /sync/events with this body as the service of the tenant; a failed test unless it is taken. Its event_id. */
const char *api_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *api_event_of(const char *tenant, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The gateway is ready, and what reads has its connection back, too. */
bool api_is_ready(void);
/* GET /sync/events/{id} of API_TENANT: the whole answer. */
struct json *api_look(const char *event_id);
const char *api_status(const char *event_id);  /* "completed", ... */
/* Waits up to 20 s until the event has this status; the whole answer. */
struct json *api_await(const char *event_id, const char *status);

const char *api_token(const char *tenant, const char *role);
/* platform and ttl may be NULL; ttl as syncctl takes it ("1h", "-1h" is not taken: forge one). */
const char *api_token_for(const char *tenant, const char *role, const char *platform, const char *ttl);
/* printf into memory that stays. */
const char *api_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
