/* http_problem.c: answers that say no, in the form of RFC 9457. Nothing else ever leaves as an error. */
#include "http_inside.h"
#include "log.h"

const char *http_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {412, "Precondition Failed"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {415, "Unsupported Media Type"},
                   {417, "Expectation Failed"},
                   {422, "Unprocessable Content"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return status < 400 ? "OK" : "Error";
}

static void add_member(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    buf_add_json(out, value, strlen(value));
}

static void write_body(const struct http_request *request, const char *id, const struct problem *problem,
                       struct buf *out)
{
    char type[128] = "about:blank";
    if (problem->type != NULL)
        snprintf(type, sizeof type, "urn:data-sync:problem:%s", problem->type);
    buf_add_ch(out, '{');
    add_member(out, "type", type);
    add_member(out, "title", problem->title != NULL ? problem->title : http_phrase(problem->status));
    buf_addf(out, ",\"status\":%d", problem->status);
    if (problem->detail != NULL)
        add_member(out, "detail", problem->detail);
    if (request != NULL)
        add_member(out, "instance", http_head_text(request->head, request->head->path));
    if (id != NULL)
        add_member(out, "request_id", id);
    if (problem->errors != NULL) {
        buf_add_str(out, ",\"errors\":");
        json_write(out, problem->errors);
    }
    buf_add_ch(out, '}');
}

struct json *http_problem_json(const struct http_request *request, const struct problem *problem)
{
    struct buf text = BUF_INIT;
    bool ok;
    struct json_error error;
    write_body(request, request != NULL ? request->id : NULL, problem, &text);
    struct json *json = json_parse(text.data, text.len, JSON_DEPTH_MAX, &error, &ok);
    if (!ok)
        bug("http: a problem of ours is not JSON: %s", error.detail);
    buf_release(&text);
    return json;
}

static void add_retry_after(struct http_request *request, const struct problem *problem)
{
    char seconds[16];
    if (problem->retry_after_s <= 0)
        return;
    snprintf(seconds, sizeof seconds, "%d", problem->retry_after_s);
    http_add_header(request, "Retry-After", seconds);
}

void http_problem(struct http_request *request, const struct problem *problem)
{
    struct buf body = BUF_INIT;
    add_retry_after(request, problem);
    write_body(request, request->id, problem, &body);
    http_reply(request, problem->status, "application/problem+json", &body);
    buf_release(&body);
}

void http_refuse(struct http_conn *conn, const struct problem *problem)
{
    struct buf body = BUF_INIT, farewell = BUF_INIT;
    struct http_request *request = conn->request;
    char made[UUID_TEXT_LEN + 1];
    if (request != NULL)
        add_retry_after(request, problem);
    else
        http_make_id(made);
    const char *id = request != NULL ? request->id : made;
    write_body(request, id, problem, &body);
    http_reply_farewell(request, id, &farewell, problem, &body);
    http_count(conn->http, problem->status, request != NULL ? request->started_us : -1);
    log_debug("request refused", LOG_INT("status", problem->status),
              LOG_STR("why", problem->type != NULL ? problem->type : http_phrase(problem->status)));
    conn->request = NULL;
    http_request_free(request);
    http_guard_part(conn, &farewell);
    buf_release(&body);
    buf_release(&farewell);
}

void http_refuse_fault(struct http_conn *conn, const struct http_fault *fault)
{
    bool large = fault->status == 413 || fault->status == 414 || fault->status == 431;
    stats_add(conn->http->refused[large ? HTTP_REFUSED_TOO_LARGE : HTTP_REFUSED_MALFORMED], 1);
    http_refuse(conn,
                &(struct problem){.status = fault->status, .type = fault->type, .detail = fault->detail});
}
