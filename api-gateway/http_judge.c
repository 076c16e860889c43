/* http_judge.c: what a request's head alone decides: path, method, credentials, content type, size. */
#include <strings.h>

#include "clock.h"
#include "digest.h"
#include "http_inside.h"
#include "log.h"

/* A body up to this size is read before its request is refused, so that the connection can stay. */
#define READ_ANYWAY 4096

static void refuse(struct http_request *request, int status, const char *type, const char *detail)
{
    request->verdict = (struct problem){.status = status, .type = type, .detail = detail};
}

/* A UUIDv7 (RFC 9562 §5.7) with random bytes drawn many at a time: one system call less on the path of every request. */
void http_make_id(char text[UUID_TEXT_LEN + 1])
{
    static uint8_t pool[1000];
    static size_t used = sizeof pool;
    struct uuid uuid;
    uint64_t ms = (uint64_t)clock_db_ms();
    if (used == sizeof pool) {
        digest_random(pool, sizeof pool);
        used = 0;
    }
    for (size_t i = 0; i < 6; i++)
        uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(uuid.bytes + 6, pool + used, 10);
    used += 10;
    uuid.bytes[6] = (uint8_t)(0x70 | (uuid.bytes[6] & 0x0f));
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
    uuid_format(&uuid, text);
}

static void read_id(struct http_request *request)
{
    const char *given = http_head_field(request->head, "X-Request-Id");
    size_t len = given != NULL ? strlen(given) : 0;
    bool good = len > 0 && len < sizeof request->id;
    for (size_t i = 0; good && i < len; i++)
        good = given[i] > ' ' && given[i] < 0x7f;
    if (good) {
        memcpy(request->id, given, len + 1);
        return;
    }
    http_make_id(request->id);
}

static void read_traceparent(struct http_request *request)
{
    const char *given = http_head_field(request->head, "traceparent");
    if (given != NULL && http_traceparent_valid(given, strlen(given)))
        snprintf(request->traceparent, sizeof request->traceparent, "%.55s", given);
}

static int read_path(struct http_request *request)
{
    const char *path = http_head_text(request->head, request->head->path);
    http_routes_match(&request->http->routes, request->head->method, path, &request->match);
    if (request->match.route == NULL || strchr(request->match.route->path, '{') == NULL)
        return 0;
    return http_routes_params(&request->match, path, http_request_text(request, strlen(path) + 1));
}

static int add_query(struct http_request *request, const char *text, size_t len, struct http_query ***end)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
    size_t value_len = equals != NULL ? len - name_len - 1 : 0;
    struct http_query *query = http_request_memory(request, sizeof *query);
    char *name = http_request_text(request, name_len + 1);
    char *value = http_request_text(request, value_len + 1);
    if (http_decode(text, name_len, true, name) < 0 ||
        (value_len > 0 && http_decode(equals + 1, value_len, true, value) < 0))
        return -1;
    *query = (struct http_query){name, value, NULL};
    **end = query;
    *end = &query->next;
    return 0;
}

static int read_query(struct http_request *request)
{
    struct http_query **end = &request->query;
    if (request->head->query == 0)
        return 0;
    const char *at = http_head_text(request->head, request->head->query);
    while (*at != '\0') {
        size_t len = strcspn(at, "&");
        if (len > 0 && add_query(request, at, len, &end) < 0)
            return -1;
        at += len + (at[len] == '&');
    }
    return 0;
}

static void judge_path(struct http_request *request)
{
    char allowed[64];
    const struct http_match *match = &request->match;
    if (read_path(request) < 0 || read_query(request) < 0) {
        refuse(request, 400, "malformed-request",
               "The path or the query decodes to control characters or to what is not UTF-8.");
        return;
    }
    if (match->allowed == 0) {
        refuse(request, 404, "no-such-path", "Nothing is served under this path.");
        return;
    }
    if (match->route != NULL)
        return;
    http_methods_text(match->allowed, allowed, sizeof allowed);
    http_add_header(request, "Allow", allowed);
    if (request->head->method == HTTP_OPTIONS) {
        refuse(request, 204, NULL, NULL);
        return;
    }
    snprintf(request->why, sizeof request->why, "This path takes %s.", allowed);
    refuse(request, 405, "method-not-allowed", request->why);
}

bool http_media_is(const char *content_type, const char *media)
{
    size_t len = strcspn(content_type, "; \t");
    return len == strlen(media) && strncasecmp(content_type, media, len) == 0;
}

/* application/json or anything/anything+json */
static bool is_json(const char *content_type)
{
    size_t len = strcspn(content_type, "; \t");
    return http_media_is(content_type, "application/json") ||
           (len > 5 && strncasecmp(content_type + len - 5, "+json", 5) == 0);
}

static bool charset_is_utf8(const char *content_type)
{
    const char *charset = strcasestr(content_type, "charset=");
    if (charset == NULL)
        return true;
    charset += strlen("charset=");
    charset += *charset == '"';
    return strncasecmp(charset, "utf-8", 5) == 0 || strncasecmp(charset, "us-ascii", 8) == 0;
}

static void judge_type(struct http_request *request)
{
    const struct http_head *head = request->head;
    const char *coding = http_header(request, "Content-Encoding");
    const char *type = http_header(request, "Content-Type");
    bool bulk = request->match.route->bulk;
    if ((head->method & (HTTP_POST | HTTP_PUT | HTTP_PATCH)) == 0 ||
        (!head->chunked && head->content_length <= 0))
        return;
    if (coding != NULL && strcasecmp(coding, "identity") != 0)
        refuse(request, 415, "content-encoding",
               "The body must not be compressed: leave Content-Encoding out.");
    else if (type == NULL || (!is_json(type) && !(bulk && http_media_is(type, "application/x-ndjson"))))
        refuse(request, 415, "content-type",
               bulk ? "The Content-Type has to be application/json or application/x-ndjson."
                    : "The Content-Type has to be application/json.");
    else if (!charset_is_utf8(type))
        refuse(request, 415, "content-type", "The body has to be UTF-8.");
}

uint64_t http_body_max(const struct http_request *request)
{
    const struct http_limits *limits = &request->http->config.limits;
    bool bulk = request->match.route != NULL && request->match.route->bulk;
    return bulk ? limits->bulk_body_max : limits->body_max;
}

const char *http_budget_text(const struct http *http, char *text, size_t size)
{
    snprintf(text, size,
             "All requests being read together may have %zu bytes (UNREAD_BODIES_MAX_BYTES), and with this "
             "one they have more; send it again shortly.",
             http->config.limits.unread_bodies_max);
    return text;
}

static void judge_budget(struct http_request *request)
{
    struct http *http = request->http;
    int64_t len = request->head->content_length;
    if (len > 0 && (uint64_t)len > http_body_max(request))
        return; /* too large whenever it comes: the scanner says 413 */
    if (len <= 0 || http_budget_fits(request->conn, (size_t)len))
        return;
    stats_add(http->refused[HTTP_REFUSED_OVERLOAD], 1);
    refuse(request, 503, "overloaded", http_budget_text(http, request->why, sizeof request->why));
    request->verdict.retry_after_s = 1;
}

void http_judge(struct http_request *request)
{
    read_id(request);
    read_traceparent(request);
    judge_path(request);
    if (request->verdict.status == 0)
        http_auth(request);
    if (request->verdict.status == 0)
        judge_type(request);
    if (request->verdict.status == 0)
        judge_budget(request);
}

bool http_judged_early(const struct http_request *request)
{
    const struct http_head *head = request->head;
    int status = request->verdict.status;
    return status >= 400 && (head->chunked || head->expects_continue || head->content_length > READ_ANYWAY);
}
