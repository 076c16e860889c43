/* http_target.c: the request line and what is percent-encoded in it. A target read in two ways would let one reader check what
 * the other does not open. */
#include <strings.h>

#include "http_filter.h"
#include "mem.h"
#include "utf8.h"

#define TARGET_MAX 8192

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int http_hex(char c)
{
    if (is_digit(c))
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* RFC 9110 §5.6.2 */
bool http_is_token(char c)
{
    if (is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static unsigned method_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        unsigned method;
    } methods[] = {{"GET", HTTP_GET}, {"POST", HTTP_POST}, {"DELETE", HTTP_DELETE},  {"PATCH", HTTP_PATCH},
                   {"PUT", HTTP_PUT}, {"HEAD", HTTP_HEAD}, {"OPTIONS", HTTP_OPTIONS}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strlen(methods[i].name) == len && memcmp(methods[i].name, name, len) == 0)
            return methods[i].method;
    }
    return 0;
}

/* http://host:port in front of the path, as a proxy sends it (RFC 9112 §3.2.2). Leaves *target at the path, which gets a
 * slash of its own where it has none. -1: not an authority that evhttp reads as we do. */
static int skip_authority(char **target, char *end)
{
    char *at = *target;
    size_t scheme = strncasecmp(at, "http://", 7) == 0 ? 7 : strncasecmp(at, "https://", 8) == 0 ? 8 : 0;
    if (scheme == 0)
        return -1;
    char *host = at + scheme;
    for (at = host; at < end && (is_digit(*at) || ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z') ||
                                 *at == '.' || *at == '-');)
        at++;
    if (at == host)
        return -1;
    if (at < end && *at == ':') {
        long port = 0;
        char *digits = ++at;
        for (; at < end && is_digit(*at) && at - digits < 6; at++)
            port = port * 10 + (*at - '0');
        if (at == digits || port > 65535)
            return -1;
    }
    if (at == end || *at == '?') { /* the blank left by the host's last character becomes the slash */
        *--at = '/';
        *target = at;
        return 0;
    }
    *target = at;
    return *at == '/' ? 0 : -1;
}

static int check_target(const char *target, const char *end, struct http_fault *fault)
{
    for (const char *c = target; c < end; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || *c == '#')
            return http_malformed(fault,
                                  "The request target holds a character that must be percent-encoded.");
        if (*c != '%')
            continue;
        if (end - c < 3 || http_hex(c[1]) < 0 || http_hex(c[2]) < 0)
            return http_malformed(
                fault, "The request target holds a '%' that two hexadecimal digits do not follow.");
        if (c[1] == '0' && c[2] == '0')
            return http_malformed(fault, "The request target holds %00, which no name here may contain.");
    }
    return 0;
}

static int parse_target(struct http_head *head, char *target, char *end, struct http_fault *fault)
{
    if (end - target > TARGET_MAX)
        return http_fault_set(fault, 414, "target-too-long", "The request target is longer than 8192 bytes.");
    if (check_target(target, end, fault) < 0)
        return -1;
    bool star = head->method == HTTP_OPTIONS && end - target == 1 && *target == '*';
    if (*target != '/' && !star && skip_authority(&target, end) < 0)
        return http_malformed(fault, "The request target has to be a path that starts with '/'.");
    if (end - target > 1 && target[0] == '/' && target[1] == '/')
        return http_malformed(fault, "The path starts with two slashes; one is meant.");
    head->path = (uint32_t)(target - head->text.data);
    char *query = memchr(target, '?', (size_t)(end - target));
    if (query != NULL) {
        *query = '\0';
        head->query = (uint32_t)(query + 1 - head->text.data);
    }
    *end = '\0';
    return 0;
}

int http_request_line(struct http_head *head, char *line, size_t len, struct http_fault *fault)
{
    char *end = line + len;
    char *blank = memchr(line, ' ', len);
    char *last = blank != NULL ? memchr(blank + 1, ' ', (size_t)(end - blank - 1)) : NULL;
    if (last == NULL || blank == line || last == blank + 1)
        return http_malformed(
            fault, "The request line has to be a method, a target and a version with one blank between.");
    for (const char *c = line; c < blank; c++) {
        if (!http_is_token(*c))
            return http_malformed(fault, "The method holds a character that no method may contain.");
    }
    if (end - last != 9 || memcmp(last + 1, "HTTP/", 5) != 0 || !is_digit(last[6]) || last[7] != '.' ||
        !is_digit(last[8]))
        return http_malformed(fault, "The request line has to end in HTTP/1.1 or HTTP/1.0.");
    if (last[6] != '1' || last[8] > '1')
        return http_fault_set(fault, 505, "http-version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    head->minor = (unsigned)(last[8] - '0');
    head->method = method_of(line, (size_t)(blank - line));
    if (head->method == 0)
        return http_fault_set(fault, 501, "method-unknown",
                              "This method is not one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS.");
    return parse_target(head, blank + 1, last, fault);
}

int http_decode(const char *text, size_t len, bool plus, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = len - i > 2 ? http_hex(text[i + 1]) : -1;
            int low = high >= 0 ? http_hex(text[i + 2]) : -1;
            if (low < 0)
                return -1;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return -1;
        out[n++] = c;
    }
    out[n] = '\0';
    for (size_t i = 0, step; i < n; i += step) {
        step = utf8_sequence(out + i, n - i);
        if (step == 0)
            return -1;
    }
    return 0;
}

static bool hex_run(const char *text, size_t len, bool *zero)
{
    *zero = true;
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]) && (text[i] < 'a' || text[i] > 'f'))
            return false;
        if (text[i] != '0')
            *zero = false;
    }
    return true;
}

bool http_traceparent_valid(const char *text, size_t len)
{
    bool version_zero, trace_zero, span_zero, flags_zero;
    if (len < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return false;
    if (!hex_run(text, 2, &version_zero) || !hex_run(text + 3, 32, &trace_zero) ||
        !hex_run(text + 36, 16, &span_zero) || !hex_run(text + 53, 2, &flags_zero))
        return false;
    if (trace_zero || span_zero || memcmp(text, "ff", 2) == 0)
        return false;
    return len == 55 || (!version_zero && text[55] == '-'); /* later versions may append */
}
