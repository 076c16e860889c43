/* http_parse.c: HTTP/1.1 requests out of a byte buffer; wrong lengths here would read one request's tail as the next. */
#include "http_parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "mem.h"

static const char *find_crlf(const char *at, const char *end)
{
    while (at < end && (at = memchr(at, '\r', (size_t)(end - at)))) {
        if (at + 1 < end && at[1] == '\n')
            return at;
        at++;
    }
    return NULL;
}

/* The value if the line is the header `name`, else NULL. */
static const char *line_value(const char *line, const char *end, const char *name)
{
    size_t len = strlen(name);

    if ((size_t)(end - line) <= len || line[len] != ':' || strncasecmp(line, name, len) != 0)
        return NULL;
    for (line += len + 1; line < end && (*line == ' ' || *line == '\t'); line++)
        ;
    return line;
}

static int parse_length(const char *value, const char *end, size_t *length)
{
    size_t sum = 0;

    if (value == end)
        return -1;
    for (; value < end && isdigit((unsigned char)*value); value++) {
        if (sum > HTTP_BODY_MAX)
            return -1;
        sum = sum * 10 + (size_t)(*value - '0');
    }
    *length = sum;
    return value == end ? 0 : -1;
}

enum http_progress http_frame_head(const char *data, size_t len, struct http_frame *frame)
{
    const char *end = memmem(data, len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX, "\r\n\r\n", 4);
    const char *value;

    if (!end)
        return len >= HTTP_HEAD_MAX ? HTTP_TOO_LARGE : HTTP_MORE;
    *frame = (struct http_frame){.head_len = (size_t)(end - data) + 4};
    for (const char *line = data, *stop; line < end; line = stop + 2) {
        stop = find_crlf(line, end + 2);
        if ((value = line_value(line, stop, "content-length"))) {
            if (parse_length(value, stop, &frame->body_len) != 0)
                return HTTP_BAD;
        } else if ((value = line_value(line, stop, "transfer-encoding"))) {
            frame->chunked = stop - value == 7 && strncasecmp(value, "chunked", 7) == 0;
            if (!frame->chunked)
                return HTTP_BAD;
        } else if ((value = line_value(line, stop, "expect"))) {
            frame->expects_continue = strncasecmp(value, "100-continue", 12) == 0;
        }
    }
    if (frame->chunked)
        frame->body_len = 0;
    return frame->body_len > HTTP_BODY_MAX ? HTTP_TOO_LARGE : HTTP_DONE;
}

enum http_progress http_decode_chunks(const char *data, size_t len, struct buf *body, size_t *used)
{
    const char *at = data, *end = data + len, *line_end;

    buf_reset(body);
    while ((line_end = find_crlf(at, end))) {
        char *stop;
        size_t size = strtoul(at, &stop, 16);

        if (stop == at || size > HTTP_BODY_MAX || body->len + size > HTTP_BODY_MAX)
            return stop == at ? HTTP_BAD : HTTP_TOO_LARGE;
        at = line_end + 2;
        if (size == 0) { /* trailers are not taken: an empty line must follow */
            if (end - at < 2)
                return HTTP_MORE;
            *used = (size_t)(at - data) + 2;
            return at[0] == '\r' && at[1] == '\n' ? HTTP_DONE : HTTP_BAD;
        }
        if ((size_t)(end - at) < size + 2)
            return HTTP_MORE;
        buf_add(body, at, size);
        at += size + 2;
    }
    return HTTP_MORE;
}

static int split_request_line(char *line, struct http_request *request)
{
    char *space = strchr(line, ' '), *version, *query;

    if (!space || !(version = strchr(space + 1, ' ')))
        return -1;
    *space = *version = '\0';
    request->method = line;
    request->path = space + 1;
    query = strchr(space + 1, '?');
    request->query = query ? query + 1 : "";
    if (query)
        *query = '\0';
    request->keep_alive = strcmp(version + 1, "HTTP/1.1") == 0;
    return request->path[0] == '/' && strncmp(version + 1, "HTTP/1.", 7) == 0 ? 0 : -1;
}

int http_split_head(char *data, const struct http_frame *frame, struct http_request *request)
{
    char *end = data + frame->head_len - 2, *stop = strstr(data, "\r\n");
    const char *connection;

    request->header_count = 0;
    if (!stop)
        return -1;
    *stop = '\0';
    if (split_request_line(data, request) != 0)
        return -1;
    for (char *line = stop + 2, *colon; line < end; line = stop + 2) {
        stop = strstr(line, "\r\n");
        if (!stop || request->header_count == HTTP_HEADERS_MAX)
            return -1;
        *stop = '\0';
        if (!(colon = strchr(line, ':')))
            return -1;
        for (*colon++ = '\0'; *colon == ' ' || *colon == '\t'; colon++)
            ;
        request->headers[request->header_count++] = (struct http_header){line, colon};
    }
    connection = http_header(request, "connection");
    if (connection && strcasecmp(connection, "close") == 0)
        request->keep_alive = false;
    return 0;
}

const char *http_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

void http_percent_decode(char *text)
{
    char *out = text;

    for (; *text; text++) {
        if (text[0] == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            char hex[3] = {text[1], text[2], '\0'};

            *out++ = (char)strtol(hex, NULL, 16);
            text += 2;
        } else {
            *out++ = *text == '+' ? ' ' : *text;
        }
    }
    *out = '\0';
}

bool http_query(const struct http_request *request, const char *name, char *value, size_t size)
{
    size_t name_len = strlen(name);

    for (const char *at = request->query; *at;) {
        size_t len = strcspn(at, "&");

        if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=') {
            snprintf(value, size, "%.*s", (int)(len - name_len - 1), at + name_len + 1);
            http_percent_decode(value);
            return true;
        }
        at += len + (at[len] == '&');
    }
    return false;
}

int64_t http_query_int(const struct http_request *request, const char *name, int64_t absent)
{
    char text[32];

    return http_query(request, name, text, sizeof text) ? strtoll(text, NULL, 10) : absent;
}
