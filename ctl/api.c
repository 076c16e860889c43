/*
 * api.c: see api.h. What passes by itself (no answer, 429, 503) is tried again for a while, where asking twice does no harm.
 */
#include "api.h"

#include <event2/event.h>
#include <unistd.h>

#include "auth.h"
#include "clock.h"
#include "mem.h"

#define TOKEN_TTL_MS (15 * 60 * 1000)
#define TOKEN_LEFT_MS (5 * 60 * 1000)
#define TIMEOUT_MS 120000
#define TRIES 8
#define WAIT_FIRST_MS 250

struct api {
    const struct conf *conf;
    struct event_base *base;
    struct transfers *transfers;
    char *url; /* without a slash at its end */
    struct identity identity;
    struct buf authorization;
    int64_t token_until_ms;
    /* of the request under way */
    bool answered;
    int status;
    struct buf body, error;
    int64_t retry_after_ms;
};

static int make_token(struct api *api)
{
    const struct conf *conf = api->conf;
    const struct auth_keys keys = {.secret = conf->jwt_secret,
                                   .public_key = "",
                                   .issuer = conf->jwt_issuer,
                                   .audience = conf->jwt_audience,
                                   .short_secret_ok = !conf_production(conf)};
    struct buf errors = BUF_INIT;

    if (clock_db_ms() < api->token_until_ms)
        return 0;
    if (conf_check_secret(conf, &errors)) {
        ctl_fail("%.*s", (int)strcspn(errors.data, "\n"), errors.data);
        buf_release(&errors);
        return -1;
    }
    buf_reset(&api->authorization);
    buf_add_str(&api->authorization, "Authorization: Bearer ");
    api->token_until_ms = clock_db_ms() + TOKEN_TTL_MS - TOKEN_LEFT_MS;
    if (auth_mint(&keys, &api->identity, clock_db_ms(), TOKEN_TTL_MS, &api->authorization) == 0)
        return 0;
    ctl_fail("JWT_SECRET cannot sign: set it to at least 32 bytes");
    return -1;
}

struct api *api_new(const struct conf *conf, const char *url, const char *tenant)
{
    struct api *api = mem_alloc(sizeof *api);
    size_t len;

    url = url ? url : conf->api_url;
    len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    api->conf = conf;
    api->url = mem_strndup(url, len);
    api->identity.role = AUTH_OPERATOR;
    snprintf(api->identity.subject, sizeof api->identity.subject, "syncctl");
    snprintf(api->identity.tenant, sizeof api->identity.tenant, "%s", tenant);
    buf_init(&api->authorization);
    buf_init(&api->body);
    buf_init(&api->error);
    api->base = event_base_new();
    api->transfers = transfers_new(api->base, 1);
    if (strlen(tenant) > AUTH_TENANT_MAX)
        ctl_fail("--tenant is longer than %d bytes: give a shorter one", AUTH_TENANT_MAX);
    else if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        ctl_fail("the address of the API must begin with http:// or https://: give --url, or set API_URL");
    else if (make_token(api) == 0)
        return api;
    api_free(&api);
    return NULL;
}

void api_free(struct api **apip)
{
    struct api *api = *apip;

    transfers_free(&api->transfers);
    event_base_free(api->base);
    buf_release(&api->authorization);
    buf_release(&api->body);
    buf_release(&api->error);
    free(api->url);
    free(api);
    *apip = NULL;
}

void api_be_admin(struct api *api)
{
    api->identity.role = AUTH_ADMIN;
    api->token_until_ms = 0;
}

static void on_answer(const struct answer *answer, void *arg)
{
    struct api *api = arg;

    api->answered = answer->failure == ANSWER_OK;
    api->status = answer->status;
    api->retry_after_ms = answer->retry_after_ms;
    buf_add(&api->body, answer->body, answer->body_len);
    buf_add_str(&api->error, answer->error ? answer->error : "");
    event_base_loopbreak(api->base);
}

static void send_once(struct api *api, const struct api_request *request)
{
    struct buf url = BUF_INIT, type = BUF_INIT, match = BUF_INIT;

    buf_addf(&url, "%s%s", api->url, request->path);
    buf_addf(&type, "Content-Type: %s", request->type ? request->type : "application/json");
    if (request->if_match)
        buf_addf(&match, "If-Match: %s", request->if_match);
    struct transfer_request sent = {.method = request->method,
                                    .url = url.data,
                                    .headers = {api->authorization.data, request->body ? type.data : NULL,
                                                match.len > 0 ? match.data : NULL},
                                    .body = request->body,
                                    .body_len = request->body_len,
                                    .timeout_ms = TIMEOUT_MS,
                                    .allow_private = true,
                                    .keep_max = TRANSFER_MAX};
    buf_reset(&api->body);
    buf_reset(&api->error);
    api->answered = false;
    api->status = 0;
    transfer_start(api->transfers, &sent, on_answer, api);
    event_base_dispatch(api->base);
    buf_release(&url);
    buf_release(&type);
    buf_release(&match);
}

static bool passes(const struct api *api)
{
    return !api->answered || api->status == 429 || api->status == 503;
}

/* The sentence of a problem (RFC 9457), with the mistakes it names. */
static void tell_problem(const struct api *api, const struct json *json)
{
    const char *detail = json_type(json) == JSON_OBJECT ? json_get_text(json, "detail") : NULL;
    const struct json *errors = json_type(json) == JSON_OBJECT ? json_get(json, "errors") : NULL;

    if (!api->answered) {
        ctl_fail("%s does not answer: %s", api->url, api->error.data);
        return;
    }
    ctl_fail("%s answers %d: %s", api->url, api->status, detail ? detail : "not what an API of ours says");
    for (size_t i = 0; i < json_count(errors); i++) {
        const char *pointer = json_get_text(json_at(errors, i), "pointer");
        const char *what = json_get_text(json_at(errors, i), "detail");
        ctl_fail("  %s: %s", pointer ? pointer : "", what ? what : "");
    }
}

struct json *api_send(struct api *api, const struct api_request *request)
{
    struct json_error error;
    struct json *json;
    bool ok;

    for (unsigned i = 0; i < TRIES; i++) {
        int64_t wait_ms = (int64_t)WAIT_FIRST_MS << i;
        if (make_token(api) != 0)
            return NULL;
        send_once(api, request);
        if (!passes(api) || (!request->again && !api->answered))
            break;
        wait_ms = api->retry_after_ms > wait_ms ? api->retry_after_ms : wait_ms;
        usleep((useconds_t)(wait_ms < 10000 ? wait_ms : 10000) * 1000);
    }
    json = json_parse(api->body.data, api->body.len, JSON_DEPTH_MAX, &error, &ok);
    if (!ok)
        json = NULL;
    if (api->answered && ok && api->status >= 200 && api->status < 300)
        return json;
    tell_problem(api, json);
    json_free(json);
    return NULL;
}

void api_add_escaped(struct buf *path, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_add_ch(path, *text);
        else
            buf_addf(path, "%%%02X", (unsigned char)*text);
    }
}

void api_add_parameter(struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    buf_addf(path, "%c%s=", strchr(path->data, '?') ? '&' : '?', name);
    api_add_escaped(path, value);
}
