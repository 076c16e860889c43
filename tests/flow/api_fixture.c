/* api_fixture.c: see api_fixture.h. Each process has its own libcurl handles: a connection shared with a parent would mix answers. */
#include "api_fixture.h"

#include <check.h>
#include <curl/curl.h>
#include <poll.h>
#include <strings.h>
#include <unistd.h>

#include "clock.h"
#include "flow_fixture.h"
#include "mem.h"

struct call {
    CURL *easy;
    struct curl_slist *headers;
    struct buf head, body;
    struct api_answer *answer;
    char reason[CURL_ERROR_SIZE];
};

const char *api_text(const char *format, ...)
{
    struct buf text = BUF_INIT;
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    return pick_keep(buf_detach(&text, NULL));
}

/* ── requests ── */

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    buf_add(arg, data, size * count);
    return size * count;
}

/* A status line begins a new head: what was before was 100 Continue. */
static size_t take_head(char *data, size_t size, size_t count, void *arg)
{
    struct buf *head = arg;

    if (size * count > 5 && memcmp(data, "HTTP/", 5) == 0)
        buf_reset(head);
    buf_add(head, data, size * count);
    return size * count;
}

static void add_header(struct call *call, const char *name, const char *value)
{
    const char *line = *value ? api_text("%s: %s", name, value) : api_text("%s:", name);

    call->headers = curl_slist_append(call->headers, line);
}

static void add_headers(struct call *call, const struct api_request *request)
{
    const char *token = request->token ? request->token : api_token(API_TENANT, "service");

    if (*token)
        add_header(call, "Authorization", api_text("Bearer %s", token));
    if (request->body)
        add_header(call, "Content-Type", request->type ? request->type : "application/json");
    if (request->key)
        add_header(call, "Idempotency-Key", request->key);
    add_header(call, "Expect", "");
    for (size_t i = 0; i < COUNT(request->headers) && request->headers[i]; i++)
        call->headers = curl_slist_append(call->headers, request->headers[i]);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void prepare(struct call *call, const struct api_request *request)
{
    CURL *easy = call->easy;
    const char *url =
        *request->url == '/' ? api_text("%s%s", stack_setting("API_URL"), request->url) : request->url;

    call->answer = pick_keep(mem_alloc(sizeof *call->answer));
    buf_init(&call->head);
    buf_init(&call->body);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &call->body);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &call->head);
    if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(request->body_len ? request->body_len : strlen(request->body)));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    }
    if (request->method && strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (request->method)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    add_headers(call, request);
}

static void finish(struct call *call, CURLcode code)
{
    struct api_answer *answer = call->answer;
    curl_off_t total_us = 0;
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    answer->status = code == CURLE_OK ? (int)status : 0;
    answer->why = code == CURLE_OK ? "" : api_text("%s %s", curl_easy_strerror(code), call->reason);
    answer->took_us = total_us;
    answer->body_len = call->body.len;
    answer->body = pick_keep(buf_detach(&call->body, NULL));
    answer->head = pick_keep(buf_detach(&call->head, NULL));
    answer->json = pick_parse(answer->body, answer->body_len);
    curl_slist_free_all(call->headers);
}

const struct api_answer *api_send(const struct api_request *request)
{
    static CURL *easy, *inherited; /* the parent's is never used, but stays known */
    static pid_t owner;
    struct call call = {0};

    if (owner != getpid()) {
        inherited = easy;
        easy = curl_easy_init();
        owner = getpid();
    }
    (void)inherited;
    curl_easy_reset(easy);
    call.easy = easy;
    prepare(&call, request);
    call.answer->sent_us = clock_wall_us();
    finish(&call, curl_easy_perform(easy));
    return call.answer;
}

static void perform_together(CURLM *multi, struct call *calls, size_t count)
{
    int running = 1, left;
    CURLMsg *message;

    while (running) {
        ck_assert_int_eq(curl_multi_perform(multi, &running), CURLM_OK);
        curl_multi_wait(multi, NULL, 0, 100, NULL);
    }
    while ((message = curl_multi_info_read(multi, &left)))
        for (size_t i = 0; i < count; i++)
            if (message->msg == CURLMSG_DONE && calls[i].easy == message->easy_handle)
                finish(&calls[i], message->data.result);
}

void api_send_together(const struct api_request *requests, const struct api_answer **answers, size_t count)
{
    CURLM *multi = curl_multi_init();
    struct call *calls = mem_array(count, sizeof *calls);

    for (size_t i = 0; i < count; i++) {
        calls[i].easy = curl_easy_init();
        prepare(&calls[i], &requests[i]);
        curl_easy_setopt(calls[i].easy, CURLOPT_FRESH_CONNECT, 1L);
        calls[i].answer->sent_us = clock_wall_us();
        curl_multi_add_handle(multi, calls[i].easy);
    }
    perform_together(multi, calls, count);
    for (size_t i = 0; i < count; i++) {
        answers[i] = calls[i].answer;
        curl_multi_remove_handle(multi, calls[i].easy);
        curl_easy_cleanup(calls[i].easy);
    }
    curl_multi_cleanup(multi);
    free(calls);
}

const struct api_answer *api_get(const char *url, ...)
{
    struct buf text = BUF_INIT;
    va_list args;

    va_start(args, url);
    buf_vaddf(&text, url, args);
    va_end(args);
    return api_send(&(struct api_request){.url = pick_keep(buf_detach(&text, NULL))});
}

const struct api_answer *api_post(const char *url, const char *body)
{
    return api_send(&(struct api_request){.url = url, .body = body});
}

const struct json *api_found(const char *url)
{
    const struct api_answer *answer = api_get("%s", url);

    ck_assert_msg(answer->status == 200, "%s: %d %s", url, answer->status, answer->body);
    return answer->json;
}

const char *api_header(const struct api_answer *answer, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = strchr(answer->head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        line += len + 1 + strspn(line + len + 1, " ");
        return pick_keep(mem_strndup(line, strcspn(line, "\r\n")));
    }
    return NULL;
}

/* ── events ── */

static const char *post_event(const char *tenant, const char *body)
{
    const struct api_answer *answer = api_send(
        &(struct api_request){.url = "/sync/events", .body = body, .token = api_token(tenant, "service")});

    ck_assert_msg(answer->status == 200, "%d %s %s for %s", answer->status, answer->why, answer->body, body);
    pick_check(answer->json, "/status", "created");
    ck_assert_msg(pick_text(answer->json, "/event_id") != NULL, "no event_id in %s", answer->body);
    return pick_text(answer->json, "/event_id");
}

const char *api_event(const char *format, ...)
{
    struct buf body = BUF_INIT;
    va_list args;

    va_start(args, format);
    buf_vaddf(&body, format, args);
    va_end(args);
    return post_event(API_TENANT, pick_keep(buf_detach(&body, NULL)));
}

const char *api_event_of(const char *tenant, const char *format, ...)
{
    struct buf body = BUF_INIT;
    va_list args;

    va_start(args, format);
    buf_vaddf(&body, format, args);
    va_end(args);
    return post_event(tenant, pick_keep(buf_detach(&body, NULL)));
}

bool api_is_ready(void)
{
    return api_get("/readyz")->status == 200 && api_get("/sync/events?limit=1")->status == 200;
}

struct json *api_look(const char *event_id)
{
    const struct api_answer *answer = api_get("/sync/events/%s", event_id);

    ck_assert_msg(answer->status == 200, "GET of %s: %d %s %s", event_id, answer->status, answer->why,
                  answer->body);
    return answer->json;
}

const char *api_status(const char *event_id)
{
    const char *status = pick_text(api_look(event_id), "/event/status");

    return status ? status : "";
}

struct json *api_await(const char *event_id, const char *status)
{
    int64_t end = clock_mono_ms() + (int64_t)(20000 * flow_patience());
    struct json *event = api_look(event_id);

    while (!pick_text(event, "/event/status") || strcmp(pick_text(event, "/event/status"), status) != 0) {
        ck_assert_msg(clock_mono_ms() < end, "waited in vain for %s: %s", status, pick_print(event));
        usleep(20000);
        event = api_look(event_id);
    }
    return event;
}
