/* http_filter.c: the strict reading of a request's bytes. What passes here, every HTTP parser reads in the same way. */
#include "http_filter.h"

#include <strings.h>

#include "log.h"
#include "mem.h"

#define CHUNK_SIZE_DIGITS 8
#define SPARES_MAX 64
#define SPARE_TEXT_MAX 4096

enum field_bit { ONE_HOST = 1, ONE_LENGTH = 2, ONE_CODING = 4 };

const char *http_head_text(const struct http_head *head, uint32_t at)
{
    return head->text.data + at;
}

const char *http_head_field(const struct http_head *head, const char *name)
{
    for (unsigned i = 0; i < head->count; i++) {
        if (strcasecmp(http_head_text(head, head->fields[i].name), name) == 0)
            return http_head_text(head, head->fields[i].value);
    }
    return NULL;
}

/* A few heads are kept with the memory of their texts: every request needs one. */
static struct http_head *spare[SPARES_MAX];
static size_t spares;

void http_head_free(struct http_head *head)
{
    if (head == NULL)
        return;
    if (spares < SPARES_MAX && head->text.cap <= SPARE_TEXT_MAX) {
        spare[spares++] = head;
        return;
    }
    buf_release(&head->text);
    free(head);
}

void http_heads_release(void)
{
    while (spares > 0) {
        struct http_head *head = spare[--spares];
        buf_release(&head->text);
        free(head);
    }
}

static struct http_head *head_new(void)
{
    struct http_head *head = spares > 0 ? spare[--spares] : NULL;
    if (head == NULL) {
        head = mem_alloc(sizeof *head);
        buf_init(&head->text);
    }
    buf_reset(&head->text);
    head->method = head->minor = head->seen = head->count = 0;
    head->path = head->query = 0;
    head->content_length = -1;
    head->chunked = head->expects_continue = false;
    return head;
}

/* ---- header fields ---- */

static int check_length(struct http_head *head, const char *value, struct http_fault *fault)
{
    size_t len = strlen(value);
    if (len == 0 || strspn(value, "0123456789") != len)
        return http_malformed(fault, "Content-Length has to be a plain decimal number.");
    if (len > 18)
        return http_fault_set(fault, 413, "body-too-large",
                              "Content-Length is larger than any body taken here.");
    head->content_length = strtoll(value, NULL, 10);
    return 0;
}

static int check_meaning(struct http_head *head, unsigned bit, const char *value, struct http_fault *fault)
{
    if (bit == ONE_LENGTH)
        return check_length(head, value, fault);
    if (bit == ONE_HOST && *value == '\0')
        return http_malformed(fault, "The Host header is empty.");
    if (bit == ONE_CODING) {
        if (strcasecmp(value, "chunked") != 0)
            return http_malformed(fault, "The only transfer coding taken here is chunked.");
        head->chunked = true;
    }
    return 0;
}

/* Fields of which a second one would make two readers of the same request disagree. */
static int check_single(struct http_head *head, const char *name, const char *value, struct http_fault *fault)
{
    static const char *const singles[] = {"Host",          "Content-Length", "Transfer-Encoding",
                                          "Authorization", "Content-Type",   "Idempotency-Key",
                                          "X-API-Key"};
    for (unsigned i = 0; i < sizeof singles / sizeof *singles; i++) {
        if (strcasecmp(name, singles[i]) != 0)
            continue;
        unsigned bit = 1U << i;
        if ((head->seen & bit) != 0)
            return http_malformed(
                fault,
                "A header that may come only once (Host, Content-Length, Transfer-Encoding, Authorization, "
                "Content-Type, Idempotency-Key, X-API-Key) is repeated.");
        head->seen |= bit;
        return check_meaning(head, bit, value, fault);
    }
    if (strcasecmp(name, "Expect") == 0) {
        if (strcasecmp(value, "100-continue") != 0)
            return http_fault_set(fault, 417, "expectation",
                                  "The only expectation met here is 100-continue.");
        head->expects_continue = true;
    }
    return 0;
}

/* Checks one line "name: value" and puts NUL bytes behind both; *name and *value point into it. */
static int split_field(char *line, size_t len, char **name, char **value, struct http_fault *fault)
{
    if (*line == ' ' || *line == '\t')
        return http_malformed(fault, "A header continues on a second line; each has to be on one line.");
    char *colon = memchr(line, ':', len);
    if (colon == NULL || colon == line)
        return http_malformed(fault, "A header line lacks its name or its colon.");
    for (const char *c = line; c < colon; c++) {
        if (!http_is_token(*c))
            return http_malformed(
                fault, "A header name holds a blank or another character that no name may contain.");
    }
    char *start = colon + 1, *end = line + len;
    for (const char *c = start; c < end; c++) {
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return http_malformed(fault, "A header value holds a control character.");
    }
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *colon = '\0';
    *end = '\0';
    *name = line;
    *value = start;
    return 0;
}

static int parse_field(struct http_head *head, char *line, size_t len, struct http_fault *fault)
{
    char *name, *value;
    if (split_field(line, len, &name, &value, fault) < 0)
        return -1;
    if (head->count == HTTP_FIELDS_MAX)
        return http_fault_set(fault, 431, "headers-too-large", "The request has more than 100 headers.");
    head->fields[head->count++] =
        (struct http_field){(uint32_t)(name - head->text.data), (uint32_t)(value - head->text.data)};
    return check_single(head, name, value, fault);
}

/* What only the whole head can tell. */
static int check_head(const struct http_head *head, struct http_fault *fault)
{
    if (head->minor == 1 && (head->seen & ONE_HOST) == 0)
        return http_malformed(fault, "The Host header is missing.");
    if (head->chunked && (head->content_length >= 0 || head->minor == 0))
        return http_malformed(fault, "Transfer-Encoding comes together with Content-Length, or in HTTP/1.0.");
    if (head->method == HTTP_HEAD && (head->chunked || head->content_length > 0))
        return http_malformed(fault, "A HEAD request cannot have a body.");
    return 0;
}

/* ---- the scanner ---- */

void http_scan_init(struct http_scan *scan, size_t head_max)
{
    *scan = (struct http_scan){.head_max = head_max};
    buf_init(&scan->line);
}

void http_scan_release(struct http_scan *scan)
{
    http_head_free(scan->head);
    scan->head = NULL;
    buf_release(&scan->line);
}

void http_scan_next(struct http_scan *scan)
{
    size_t head_max = scan->head_max;
    http_scan_release(scan);
    http_scan_init(scan, head_max);
}

struct http_head *http_scan_take_head(struct http_scan *scan)
{
    struct http_head *head = scan->head;
    scan->head = NULL;
    return head;
}

/* One line of the head has arrived, line feed included. 1: it was the empty one. */
static int head_line(struct http_scan *scan, struct http_fault *fault)
{
    struct http_head *head = scan->head;
    char *line = head->text.data + scan->line_start;
    size_t len = head->text.len - scan->line_start;
    if (len < 2 || line[len - 2] != '\r')
        return http_malformed(fault, "A line ends in a line feed alone; it has to end in CR LF.");
    len -= 2;
    bool first = scan->line_start == 0;
    scan->line_start = head->text.len;
    if (first)
        return http_request_line(head, line, len, fault);
    if (len == 0)
        return check_head(head, fault) < 0 ? -1 : 1;
    return parse_field(head, line, len, fault);
}

static enum http_scan_event feed_head(struct http_scan *scan, const char *data, size_t len, size_t *used,
                                      struct http_fault *fault)
{
    if (scan->head == NULL) {
        scan->head = head_new();
        scan->line_start = 0;
        if (!http_is_token(*data)) { /* a TLS greeting, say, would otherwise wait for a line feed */
            http_malformed(fault, "This does not start like an HTTP request (is it TLS, or an empty line?).");
            return HTTP_SCAN_FAULT;
        }
    }
    while (*used < len) {
        const char *start = data + *used;
        const char *feed = memchr(start, '\n', len - *used);
        size_t take = feed != NULL ? (size_t)(feed - start) + 1 : len - *used;
        if (scan->head->text.len + take > scan->head_max) {
            http_fault_set(fault, 431, "headers-too-large",
                           "The request line and headers together are too large.");
            return HTTP_SCAN_FAULT;
        }
        buf_add(&scan->head->text, start, take);
        *used += take;
        if (feed == NULL)
            break;
        int end = head_line(scan, fault);
        if (end < 0)
            return HTTP_SCAN_FAULT;
        if (end == 1) {
            scan->state = SCAN_DECIDE;
            return HTTP_SCAN_HEADS;
        }
    }
    return HTTP_SCAN_MORE;
}

static int body_too_large(struct http_scan *scan, struct http_fault *fault)
{
    snprintf(scan->why, sizeof scan->why,
             "The body is larger than the %llu bytes that this route takes: send less at once, a bulk in "
             "several parts.",
             (unsigned long long)scan->body_max);
    return http_fault_set(fault, 413, "body-too-large", scan->why);
}

enum http_scan_event http_scan_body(struct http_scan *scan, const struct http_head *head, uint64_t body_max,
                                    struct http_fault *fault)
{
    if (scan->state != SCAN_DECIDE)
        bug("http: the body of a request was asked for before its head ended");
    scan->body_max = body_max;
    scan->body_len = 0;
    if (head->chunked) {
        scan->state = SCAN_CHUNK_SIZE;
        return HTTP_SCAN_MORE;
    }
    if (head->content_length <= 0) {
        scan->state = SCAN_DONE;
        return HTTP_SCAN_ENDS;
    }
    if ((uint64_t)head->content_length > body_max) {
        body_too_large(scan, fault);
        return HTTP_SCAN_FAULT;
    }
    scan->left = (uint64_t)head->content_length;
    scan->state = SCAN_BODY;
    return HTTP_SCAN_MORE;
}

static int chunk_size(struct http_scan *scan, struct http_fault *fault)
{
    size_t digits = scan->line.len - 2;
    uint64_t size = 0;
    if (digits == 0 || digits > CHUNK_SIZE_DIGITS)
        return http_malformed(fault, "A chunk's size has to be one to eight hexadecimal digits.");
    for (size_t i = 0; i < digits; i++) {
        int value = http_hex(scan->line.data[i]);
        if (value < 0)
            return http_malformed(fault, "A chunk's size has to be hexadecimal digits and nothing else.");
        size = size * 16 + (uint64_t)value;
    }
    scan->body_len += size;
    if (scan->body_len > scan->body_max)
        return body_too_large(scan, fault);
    scan->left = size;
    scan->state = size == 0 ? SCAN_TRAILER : SCAN_CHUNK_DATA;
    return 0;
}

/* Trailer fields are checked like headers and then forgotten (RFC 9110 §6.5.1). */
static int trailer_line(struct http_scan *scan, struct http_fault *fault)
{
    char *name, *value;
    scan->trailer_len += scan->line.len;
    if (scan->trailer_len > scan->head_max)
        return http_fault_set(fault, 431, "headers-too-large", "The trailer fields together are too large.");
    if (scan->line.len == 2) {
        scan->state = SCAN_DONE;
        return 0;
    }
    return split_field(scan->line.data, scan->line.len - 2, &name, &value, fault);
}

/* A complete line of the chunked framing, with its CR LF, is in scan->line. */
static int framing_line(struct http_scan *scan, struct http_fault *fault)
{
    if (scan->line.len < 2 || scan->line.data[scan->line.len - 2] != '\r')
        return http_malformed(fault, "A line of the chunked framing does not end in CR LF.");
    if (scan->state == SCAN_CHUNK_SIZE)
        return chunk_size(scan, fault);
    if (scan->state == SCAN_TRAILER)
        return trailer_line(scan, fault);
    if (scan->line.len != 2)
        return http_malformed(fault, "A chunk is longer than its size says.");
    scan->state = SCAN_CHUNK_SIZE;
    return 0;
}

static int feed_framing(struct http_scan *scan, const char *data, size_t len, size_t *used,
                        struct http_fault *fault)
{
    const char *start = data + *used;
    const char *feed = memchr(start, '\n', len - *used);
    size_t take = feed != NULL ? (size_t)(feed - start) + 1 : len - *used;
    size_t max = scan->state == SCAN_TRAILER      ? scan->head_max
                 : scan->state == SCAN_CHUNK_SIZE ? CHUNK_SIZE_DIGITS + 2
                                                  : 2;
    if (scan->line.len + take > max)
        return http_malformed(fault, "The chunked framing is broken: a line is longer than it can be.");
    buf_add(&scan->line, start, take);
    *used += take;
    if (feed == NULL)
        return 0;
    int result = framing_line(scan, fault);
    buf_reset(&scan->line);
    return result;
}

static void feed_data(struct http_scan *scan, size_t len, size_t *used)
{
    uint64_t take = len - *used < scan->left ? len - *used : scan->left;
    *used += (size_t)take;
    scan->left -= take;
    if (scan->left == 0)
        scan->state = scan->state == SCAN_BODY ? SCAN_DONE : SCAN_CHUNK_END;
}

enum http_scan_event http_scan_feed(struct http_scan *scan, const char *data, size_t len, size_t *used,
                                    struct http_fault *fault)
{
    *used = 0;
    if (len == 0)
        return HTTP_SCAN_MORE;
    if (scan->state == SCAN_HEAD)
        return feed_head(scan, data, len, used, fault);
    if (scan->state == SCAN_DECIDE)
        bug("http: a request's head was not decided upon");
    while (*used < len && scan->state != SCAN_DONE) {
        if (scan->state == SCAN_BODY || scan->state == SCAN_CHUNK_DATA)
            feed_data(scan, len, used);
        else if (feed_framing(scan, data, len, used, fault) < 0)
            return HTTP_SCAN_FAULT;
    }
    return scan->state == SCAN_DONE ? HTTP_SCAN_ENDS : HTTP_SCAN_MORE;
}
