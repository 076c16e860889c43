/*
 * http_toy_fixture.h: a server with toy routes in a child process; included by the tests of the HTTP server only (it needs the
 * gateway's modules, which not every test links).
 */
#pragma once
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../api-gateway/http.h"
#include "clock.h"
#include "http_client_fixture.h"
#include "log.h"
#include "mem.h"
#include "stats.h"

#define TOY_SECRET "a secret of the tests that is long enough"

struct toy_spec {
    struct http_limits limits;
    bool auth_open;   /* AUTH_REQUIRED=false */
    rlim_t files_max; /* 0: as it is */
};

static const struct http_limits toy_limits = {.body_max = 262144,
                                              .bulk_body_max = 10485760,
                                              .header_max = 16384,
                                              .unread_bodies_max = 33554432,
                                              .unsent_answers_max = 67108864,
                                              .connections_max = 1000,
                                              .requests_max = 1000,
                                              .json_depth_max = 64,
                                              .client_timeout_ms = 5000,
                                              .idle_timeout_ms = 10000};

static struct event_base *toy_base;
static struct http *toy_http;

static void toy_reply(struct http_request *request, const char *text)
{
    struct buf body = BUF_INIT;
    buf_add_str(&body, text);
    http_reply(request, 200, "application/json", &body);
    buf_release(&body);
}

static void toy_open(struct http_request *request, void *arg)
{
    (void)arg;
    toy_reply(request, "{\"open\":true}");
}

static void toy_length(struct http_request *request, void *arg)
{
    (void)arg;
    size_t len;
    char text[64];
    unsigned long sum = 0;
    const char *body = http_body(request, &len);
    for (size_t i = 0; i < len; i++)
        sum += (unsigned char)body[i];
    snprintf(text, sizeof text, "{\"length\":%zu,\"sum\":%lu}", len, sum);
    toy_reply(request, text);
}

static void toy_json(struct http_request *request, void *arg)
{
    (void)arg;
    struct json *json = http_json(request);
    if (json != NULL)
        http_reply_json(request, 200, json);
}

static void add_text(struct json *object, const char *name, const char *value)
{
    json_set(object, name, json_new_text(value));
}

/* All that a handler can ask for. */
static void toy_who(struct http_request *request, void *arg)
{
    (void)arg;
    struct json *json = json_new_object();
    add_text(json, "id", http_param(request, "id"));
    add_text(json, "q", http_query(request, "q"));
    add_text(json, "tenant", http_tenant(request, http_query(request, "tenant_id")));
    add_text(json, "subject", http_identity(request)->subject);
    add_text(json, "role", auth_role_name(http_identity(request)->role));
    add_text(json, "trace", http_traceparent(request));
    add_text(json, "peer", http_peer(request));
    http_reply_json(request, 200, json);
    json_free(json);
}

static void toy_late_now(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    toy_length(arg, NULL);
}

/* Answers after ?ms= milliseconds. */
static void toy_late(struct http_request *request, void *arg)
{
    (void)arg;
    const char *ms = http_query(request, "ms");
    long wait_ms = ms != NULL ? strtol(ms, NULL, 10) : 50;
    struct timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};
    event_base_once(toy_base, -1, EV_TIMEOUT, toy_late_now, request, &wait);
}

/* Answers with 4 MiB, or ?mib=. */
static void toy_big(struct http_request *request, void *arg)
{
    (void)arg;
    struct buf body = BUF_INIT;
    const char *mib = http_query(request, "mib");
    long pieces = (mib != NULL ? strtol(mib, NULL, 10) : 4) * 1024 * 1024 / 16;
    for (long i = 0; i < pieces; i++)
        buf_add_str(&body, "0123456789abcdef");
    http_reply(request, 200, "text/plain", &body);
    buf_release(&body);
}

static void toy_stats(struct http_request *request, void *arg)
{
    (void)arg;
    struct buf body = BUF_INIT;
    stats_write(&body);
    http_reply(request, 200, "text/plain", &body);
    buf_release(&body);
}

static void toy_new_keys(struct http_request *request, void *arg)
{
    (void)arg;
    http_set_keys(toy_http, &(struct auth_keys){.secret = "another secret, just as long as the first",
                                                .public_key = "",
                                                .issuer = "",
                                                .audience = ""});
    toy_reply(request, "{}");
}

static const struct http_route toy_routes[] = {
    {HTTP_GET, "/open", AUTH_NONE, false, toy_open},
    {HTTP_POST, "/open", AUTH_NONE, false, toy_length},
    {HTTP_POST, "/open/bulk", AUTH_NONE, true, toy_length},
    {HTTP_GET, "/open/big", AUTH_NONE, false, toy_big},
    {HTTP_GET, "/open/stats", AUTH_NONE, false, toy_stats},
    {HTTP_POST, "/open/keys", AUTH_NONE, false, toy_new_keys},
    {HTTP_GET, "/open/late", AUTH_NONE, false, toy_late},
    {HTTP_POST, "/open/late", AUTH_NONE, false, toy_late},
    {HTTP_POST, "/late", AUTH_VIEWER, false, toy_late},
    {HTTP_POST, "/json", AUTH_NONE, false, toy_json},
    {HTTP_POST, "/json/bulk", AUTH_NONE, true, toy_json},
    {HTTP_GET, "/things/{id}", AUTH_VIEWER, false, toy_who},
    {HTTP_PATCH, "/things/{id}", AUTH_SERVICE, false, toy_who},
    {HTTP_POST, "/things/bulk", AUTH_SERVICE, true, toy_length},
    {HTTP_POST, "/things", AUTH_SERVICE, false, toy_json},
    {HTTP_DELETE, "/things/{id}", AUTH_ADMIN, false, toy_who},
    {HTTP_GET, "/open/{id}/parts/{part}", AUTH_NONE, false, toy_open},
};

static void toy_drained(void *arg)
{
    event_base_loopbreak(arg);
}

static void toy_term(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    http_drain(toy_http, toy_drained, toy_base);
}

static void toy_serve(const struct toy_spec *spec, int tell)
{
    signal(SIGPIPE, SIG_IGN); /* as every service does */
    log_open("toy", LOG_LEVEL_ERROR, LOG_FORMAT_JSON);
    if (spec->files_max > 0)
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){spec->files_max, spec->files_max});
    struct http_config config = {"127.0.0.1:0", spec->limits, !spec->auth_open, "test"};
    toy_base = event_base_new();
    toy_http = http_new(toy_base, &config);
    http_set_keys(toy_http, &(struct auth_keys){TOY_SECRET, "", "", "", false});
    http_add_routes(toy_http, toy_routes, sizeof toy_routes / sizeof *toy_routes, NULL);
    struct event *term = evsignal_new(toy_base, SIGTERM, toy_term, NULL);
    event_add(term, NULL);
    int port = http_port(toy_http);
    if (write(tell, &port, sizeof port) != sizeof port)
        _exit(2);
    close(tell);
    event_base_dispatch(toy_base);
    event_free(term);
    http_free(&toy_http);
    event_base_free(toy_base);
}

static pid_t toy_pid;
static int toy_port;

/* Runs the server in a child; it ends with the test. exit() there, so that a leak or an error ends it with a status. */
static void toy_start(const struct toy_spec *spec)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    toy_pid = fork();
    ck_assert_int_ge(toy_pid, 0);
    if (toy_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        toy_serve(spec, ends[1]);
        exit(0);
    }
    close(ends[1]);
    ck_assert_msg(read(ends[0], &toy_port, sizeof toy_port) == sizeof toy_port,
                  "the toy server did not start");
    close(ends[0]);
}

/* Ends it by TERM: it has to drain and exit with 0. */
static inline void toy_stop(void)
{
    int status;
    ck_assert_int_eq(kill(toy_pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(toy_pid, &status, 0), toy_pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the server ended with status %x",
                  (unsigned)status);
}

/* Resident memory; 0 under the address sanitizer, which keeps what is freed. */
static inline long toy_memory_kib(void)
{
#ifdef __SANITIZE_ADDRESS__
    return 0;
#endif
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", toy_pid);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A statistic of the server, by its name and labels as printed. */
static inline long toy_stat(const char *series)
{
    const struct http_answer *answer = client_ask(toy_port, "GET /open/stats HTTP/1.1\r\nHost: toy\r\n\r\n");
    char line[128];
    snprintf(line, sizeof line, "\n%s", series);
    const char *at = strstr(answer->body, line);
    ck_assert_msg(at != NULL, "there is no %s", series);
    return strtol(at + strlen(line), NULL, 10);
}

/* Waits until the condition holds, at most 10 s. */
#define toy_wait(condition)                                                   \
    do {                                                                      \
        int tries_ = 0;                                                       \
        while (!(condition)) {                                                \
            ck_assert_msg(++tries_ < 500, "waited 10 s for: %s", #condition); \
            usleep(20000);                                                    \
        }                                                                     \
    } while (0)

#define JSON_TYPE "Content-Type: application/json\r\n"

/* "METHOD /path" with headers (each line ended) and a body that gets its length. */
static inline const struct http_answer *toy_ask(const char *what, const char *headers, const char *body)
{
    struct buf text = BUF_INIT;
    buf_addf(&text, "%s HTTP/1.1\r\nHost: toy\r\n%s", what, headers);
    if (body != NULL)
        buf_addf(&text, "Content-Length: %zu\r\n", strlen(body));
    buf_addf(&text, "\r\n%s", body != NULL ? body : "");
    const struct http_answer *answer = client_ask(toy_port, text.data);
    buf_release(&text);
    return answer;
}

static inline void toy_assert_problem(const struct http_answer *answer, int status, const char *type)
{
    bool ok;
    struct json_error error;
    char urn[128];
    ck_assert_msg(answer->status == status, "%d instead of %d: %s%s", answer->status, status, answer->head,
                  answer->body);
    ck_assert(answer_has(answer, "Content-Type", "application/problem+json"));
    ck_assert(answer_has(answer, "X-Content-Type-Options", "nosniff"));
    ck_assert(answer_has(answer, "Cache-Control", "no-store"));
    struct json *problem = json_parse(answer->body, answer->body_len, 64, &error, &ok);
    ck_assert_msg(ok, "not JSON: %s", answer->body);
    int64_t number = 0;
    ck_assert_int_eq(json_int64(json_get(problem, "status"), &number), 0);
    ck_assert_int_eq(number, status);
    snprintf(urn, sizeof urn, "urn:data-sync:problem:%s", type);
    ck_assert_str_eq(json_get_text(problem, "type"), urn);
    ck_assert_ptr_nonnull(json_get_text(problem, "title"));
    ck_assert_ptr_nonnull(json_get_text(problem, "detail"));
    const char *id = json_get_text(problem, "request_id");
    ck_assert(id != NULL && answer_has(answer, "X-Request-Id", id));
    json_free(problem);
}
