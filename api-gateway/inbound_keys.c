/*
 * inbound_keys.c: the public keys of a shop, fetched from it when a signature needs them, and kept for an hour.
 *
 * A signature that no key fits may be by a newer key: then they are fetched again, once a minute at most, so that nobody can
 * make us ask the shop as often as he likes. Requests wait for the fetch that is under way; there is never more than one.
 */
#include "inbound.h"

#include "clock.h"
#include "log.h"

#define NEVER INT64_MIN

struct waiting {
    TAILQ_ENTRY(waiting) link;
    struct http_request *http;
};

struct inbound_keys {
    struct inbound_door *door;
    struct json *keys; /* NULL: none yet */
    char *url;         /* that they are from, or that was asked last; NULL: none */
    int64_t fetched_ms, tried_ms;
    bool failed; /* the last try */
    struct transfer *transfer;
    TAILQ_HEAD(, waiting) waiting;
};

struct inbound_keys *inbound_keys_new(struct inbound_door *door)
{
    struct inbound_keys *keys = mem_alloc(sizeof *keys);

    keys->door = door;
    keys->fetched_ms = keys->tried_ms = NEVER;
    TAILQ_INIT(&keys->waiting);
    return keys;
}

void inbound_keys_free(struct inbound_keys **keys)
{
    struct waiting *waiting;

    while ((waiting = TAILQ_FIRST(&(*keys)->waiting))) {
        TAILQ_REMOVE(&(*keys)->waiting, waiting, link);
        free(waiting);
    }
    json_free((*keys)->keys);
    free((*keys)->url);
    free(*keys);
    *keys = NULL;
}

/* Another shop's keys are none. */
static bool are_of(const struct inbound_keys *keys, const char *url)
{
    return keys->url && strcmp(keys->url, url) == 0;
}

static bool is_past(int64_t then_ms, int64_t span_ms)
{
    return then_ms == NEVER || clock_mono_ms() - then_ms >= span_ms;
}

const struct json *inbound_keys_now(const struct inbound_keys *keys, const char *url)
{
    return are_of(keys, url) && !is_past(keys->fetched_ms, INBOUND_KEYS_KEPT_MS) ? keys->keys : NULL;
}

bool inbound_keys_due(const struct inbound_keys *keys, const char *url, bool fits)
{
    if (!are_of(keys, url) || keys->transfer)
        return true;
    if (keys->failed && !is_past(keys->tried_ms, INBOUND_KEYS_RETRY_MS))
        return false;
    if (is_past(keys->fetched_ms, INBOUND_KEYS_FRESH_MS))
        return true;
    return !fits && is_past(keys->tried_ms, INBOUND_KEYS_AGAIN_MS);
}

bool inbound_keys_failed(const struct inbound_keys *keys)
{
    return keys->failed;
}

/* Every request that waited is judged with what there is now; none of them can wait again before it was. */
static void wake(struct inbound_keys *keys)
{
    TAILQ_HEAD(, waiting) all = TAILQ_HEAD_INITIALIZER(all);

    TAILQ_CONCAT(&all, &keys->waiting, link);
    for (struct waiting *waiting = TAILQ_FIRST(&all), *next; waiting; waiting = next) {
        struct http_request *http = waiting->http;
        next = TAILQ_NEXT(waiting, link);
        free(waiting);
        inbound_verify(keys->door, http, true);
    }
}

/* NULL, or why this answer holds no keys. */
static const char *read_answer(const struct answer *answer, struct json **found)
{
    struct json_error error;
    bool ok;

    *found = NULL;
    if (answer->failure != ANSWER_OK)
        return answer->error;
    if (answer->status != 200)
        return "the answer's status is not 200";
    if (answer->body_len >= INBOUND_KEYS_BYTES_MAX)
        return "the answer is too large";
    *found = json_parse(answer->body, answer->body_len, JSON_DEPTH_MAX, &error, &ok);
    if (!ok)
        return "the answer is not JSON";
    return webhook_check_keys(*found);
}

static void on_keys(const struct answer *answer, void *arg)
{
    struct inbound_keys *keys = arg;
    struct json *found;
    const char *why = read_answer(answer, &found);

    keys->transfer = NULL;
    keys->failed = why != NULL;
    if (why) {
        json_free(found);
        log_warn("keys of webhooks not fetched", LOG_STR("platform", keys->door->name),
                 LOG_STR("url", keys->url), LOG_STR("why", why), LOG_INT("status", answer->status));
    } else {
        json_free(keys->keys);
        keys->keys = found;
        keys->fetched_ms = clock_mono_ms();
        log_info("keys of webhooks fetched", LOG_STR("platform", keys->door->name), LOG_STR("url", keys->url),
                 LOG_INT("keys", json_count(json_get(found, "keys"))));
    }
    wake(keys);
}

static void start(struct inbound_keys *keys, const char *url, bool allow_private)
{
    struct transfer_request request = {.method = PLATFORM_GET,
                                       .url = url,
                                       .headers = {"Accept: application/json"},
                                       .body = "",
                                       .timeout_ms = INBOUND_KEYS_TIMEOUT_MS,
                                       .allow_private = allow_private,
                                       .keep_max = INBOUND_KEYS_BYTES_MAX};

    if (!are_of(keys, url)) {
        free(keys->url);
        json_free(keys->keys);
        keys->url = mem_strdup(url);
        keys->keys = NULL;
        keys->fetched_ms = NEVER;
    }
    keys->tried_ms = clock_mono_ms();
    keys->transfer = transfer_start(keys->door->gateway->transfers, &request, on_keys, keys);
}

void inbound_keys_fetch(struct inbound_keys *keys, const char *url, bool allow_private,
                        struct http_request *http)
{
    struct waiting *waiting = mem_alloc(sizeof *waiting);

    waiting->http = http;
    TAILQ_INSERT_TAIL(&keys->waiting, waiting, link);
    if (keys->transfer &&
        !are_of(keys, url)) { /* the shop moved: what is under way answers for the old one */
        transfer_abort(keys->door->gateway->transfers, keys->transfer);
        keys->transfer = NULL;
    }
    if (!keys->transfer)
        start(keys, url, allow_private);
}
