/* test_http_filter.c: which bytes are a request, wherever the network cuts them. */
#include <check.h>

#include "../../api-gateway/http_filter.h"
#include "mem.h"

#define HEAD_MAX 16384

struct reading {
    enum http_scan_event end; /* ENDS, FAULT, or MORE: more was expected */
    struct http_fault fault;
    size_t used; /* bytes up to the end of the request */
    bool has_head;
    unsigned method;
    char path[256], query[256];
    int64_t content_length;
};

/* Feeds text in pieces of at most `step` bytes, and takes the head when it is there, as the server does. */
static struct reading read_in_steps(const char *text, size_t len, size_t step, uint64_t body_max)
{
    struct reading reading = {.end = HTTP_SCAN_MORE};
    struct http_scan scan;
    http_scan_init(&scan, HEAD_MAX);
    while (reading.used < len && reading.end == HTTP_SCAN_MORE) {
        size_t piece = len - reading.used < step ? len - reading.used : step, used;
        reading.end = http_scan_feed(&scan, text + reading.used, piece, &used, &reading.fault);
        reading.used += used;
        if (reading.end != HTTP_SCAN_HEADS)
            continue;
        struct http_head *head = http_scan_take_head(&scan);
        reading.has_head = true;
        reading.method = head->method;
        reading.content_length = head->content_length;
        snprintf(reading.path, sizeof reading.path, "%s", http_head_text(head, head->path));
        if (head->query != 0)
            snprintf(reading.query, sizeof reading.query, "%s", http_head_text(head, head->query));
        reading.end = http_scan_body(&scan, head, body_max, &reading.fault);
        http_head_free(head);
    }
    http_scan_release(&scan);
    return reading;
}

static struct reading read_text(const char *text)
{
    return read_in_steps(text, strlen(text), strlen(text), 1000);
}

#define OK_HEAD "POST /sync/events HTTP/1.1\r\nHost: api\r\n"

static const struct {
    const char *name, *text;
    int status; /* 0: a whole request */
} requests[] = {
    {"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"http 1.0 without host", "GET / HTTP/1.0\r\n\r\n", 0},
    {"foreign host", "GET / HTTP/1.1\r\nHost: brain.internal:8001\r\n\r\n", 0},
    {"value of blanks", "GET / HTTP/1.1\r\nHost: a\r\nX-A:  \t \r\nX-B:\r\n\r\n", 0},
    {"latin1 value", "GET / HTTP/1.1\r\nHost: a\r\nX-A: caf\xe9\r\n\r\n", 0},
    {"absolute target", "GET http://api.example:8025/x HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"absolute target without path", "GET http://api.example HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"star of options", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"body", OK_HEAD "Content-Length: 5\r\n\r\nhello", 0},
    {"length zero", OK_HEAD "Content-Length: 0\r\n\r\n", 0},
    {"expects", OK_HEAD "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", 0},
    {"chunks", OK_HEAD "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0a\r\n0123456789\r\n0\r\n\r\n", 0},
    {"no chunks", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n000\r\n\r\n", 0},
    {"trailer", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nExpires: never\r\n\r\n", 0},
    {"two cookies", "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n", 0},

    {"host missing", "GET / HTTP/1.1\r\nX-A: b\r\n\r\n", 400},
    {"host empty", "GET / HTTP/1.1\r\nHost:  \r\n\r\n", 400},
    {"host twice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"host twice in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400},
    {"two lengths", OK_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
    {"two equal lengths", OK_HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
    {"list of lengths", OK_HEAD "Content-Length: 5, 5\r\n\r\nhello", 400},
    {"signed length", OK_HEAD "Content-Length: +5\r\n\r\nhello", 400},
    {"negative length", OK_HEAD "Content-Length: -5\r\n\r\nhello", 400},
    {"hexadecimal length", OK_HEAD "Content-Length: 0x5\r\n\r\nhello", 400},
    {"blank in length", OK_HEAD "Content-Length: 5 5\r\n\r\nhello", 400},
    {"empty length", OK_HEAD "Content-Length:\r\n\r\n", 400},
    {"length beyond 64 bits", OK_HEAD "Content-Length: 18446744073709551621\r\n\r\nhello", 413},
    {"length above the limit", OK_HEAD "Content-Length: 1001\r\n\r\n", 413},
    {"blank before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"tab before colon", OK_HEAD "Content-Length\t: 5\r\n\r\nhello", 400},
    {"no colon", "GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", 400},
    {"no name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
    {"authorization twice",
     "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", 400},
    {"idempotency key twice", OK_HEAD "Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n", 400},
    {"content type twice", OK_HEAD "Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", 400},
    {"folded line", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", 400},
    {"folded with tab", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\tc\r\n\r\n", 400},
    {"folded first", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"bare line feeds", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"one bare line feed", "GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n", 400},
    {"bare carriage return", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rContent-Length: 5\r\n\r\n", 400},
    {"escape in value", "GET / HTTP/1.1\r\nHost: a\r\nX-A: \x1b[2J\r\n\r\n", 400},
    {"blank line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"tls", "\x16\x03\x01\x02", 400},
    {"http 2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"http 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"http 0.9", "GET /\r\n\r\n", 400},
    {"version with rubbish", "GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400},
    {"two blanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"blank in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"small method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"trace", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
    {"nul in path", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"nul in query", "GET /a?b=%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"bad percent", "GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"short percent", "GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"raw umlaut", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"two slashes", "GET //a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"absolute with bad port", "GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"absolute with user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"gzip and chunked", OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
    {"gzip", OK_HEAD "Transfer-Encoding: gzip\r\n\r\n", 400},
    {"chunked twice", OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"chunked and length", OK_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
    {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"chunk size 0x5", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400},
    {"chunk size +5", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", 400},
    {"chunk size with blank", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", 400},
    {"chunk size empty", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", 400},
    {"chunk size too long", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n000000005\r\nhello\r\n0\r\n\r\n", 400},
    {"chunk size with bare feed", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400},
    {"chunk longer than its size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n", 400},
    {"chunks above the limit", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413},
    {"bad trailer", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nbad line\r\n\r\n", 400},
    {"other expectation", OK_HEAD "Expect: a-miracle\r\nContent-Length: 1\r\n\r\nx", 417},
    {"head with body", "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 400},
};

START_TEST(a_request_is_taken_whole_or_refused_with_its_status)
{
    struct reading reading = read_text(requests[_i].text);
    if (requests[_i].status == 0) {
        ck_assert_msg(reading.end == HTTP_SCAN_ENDS, "%s: %d %s", requests[_i].name, reading.fault.status,
                      reading.fault.detail != NULL ? reading.fault.detail : "did not end");
        ck_assert_uint_eq(reading.used, strlen(requests[_i].text));
        return;
    }
    ck_assert_msg(reading.end == HTTP_SCAN_FAULT, "%s was not refused", requests[_i].name);
    ck_assert_msg(reading.fault.status == requests[_i].status, "%s: %d", requests[_i].name,
                  reading.fault.status);
    ck_assert_ptr_nonnull(reading.fault.detail);
}
END_TEST

START_TEST(it_does_not_matter_where_the_network_cuts)
{
    const char *text = requests[_i].text;
    struct reading whole = read_text(text);
    for (size_t step = 1; step <= 7; step++) {
        struct reading cut = read_in_steps(text, strlen(text), step, 1000);
        ck_assert_int_eq(cut.end, whole.end);
        ck_assert_uint_eq(cut.method, whole.method);
        ck_assert_str_eq(cut.path, whole.path);
        if (whole.end == HTTP_SCAN_FAULT)
            ck_assert_int_eq(cut.fault.status, whole.fault.status);
        else
            ck_assert_uint_eq(cut.used, whole.used);
    }
}
END_TEST

START_TEST(a_nul_byte_in_a_header_is_refused)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n";
    static const char name[] = "GET / HTTP/1.1\r\nHost: a\r\nX-A\0: b\r\n\r\n";
    ck_assert_int_eq(read_in_steps(text, sizeof text - 1, 100, 0).fault.status, 400);
    ck_assert_int_eq(read_in_steps(name, sizeof name - 1, 100, 0).fault.status, 400);
}
END_TEST

START_TEST(what_follows_a_request_is_left_for_the_next)
{
    const char *first = OK_HEAD "Content-Length: 5\r\n\r\nhello";
    char text[512];
    snprintf(text, sizeof text, "%sGET /next HTTP/1.1\r\n", first);
    struct reading reading = read_text(text);
    ck_assert_int_eq(reading.end, HTTP_SCAN_ENDS);
    ck_assert_uint_eq(reading.used, strlen(first));
}
END_TEST

START_TEST(the_target_is_split_into_path_and_query)
{
    struct reading reading = read_text("GET /sync/events?limit=5&status=failed HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_str_eq(reading.path, "/sync/events");
    ck_assert_str_eq(reading.query, "limit=5&status=failed");
    reading = read_text("GET http://api:8025?limit=5 HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_str_eq(reading.path, "/");
    ck_assert_str_eq(reading.query, "limit=5");
    reading = read_text("GET https://api/sync/status HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_str_eq(reading.path, "/sync/status");
}
END_TEST

/* Feeds `count` lines of `line` between a good start and a good end. */
static int status_of_lines(const char *line, size_t count)
{
    struct buf text = BUF_INIT;
    buf_add_str(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (size_t i = 0; i < count; i++)
        buf_add_str(&text, line);
    buf_add_str(&text, "\r\n");
    struct reading reading = read_in_steps(text.data, text.len, 4096, 0);
    buf_release(&text);
    return reading.end == HTTP_SCAN_FAULT ? reading.fault.status : 200;
}

START_TEST(headers_have_a_ceiling_in_bytes_and_in_number)
{
    char line[1025];
    memset(line, 'a', sizeof line);
    line[1] = ':';
    memcpy(line + 1022, "\r\n", 3);
    ck_assert_int_eq(status_of_lines(line, 15), 200);
    ck_assert_int_eq(status_of_lines(line, 16), 431);
    ck_assert_int_eq(status_of_lines("a: b\r\n", 99), 200);
    ck_assert_int_eq(status_of_lines("a: b\r\n", 100), 431);
}
END_TEST

START_TEST(a_line_that_never_ends_is_refused_at_the_ceiling)
{
    struct buf text = BUF_INIT;
    while (text.len <= HEAD_MAX)
        buf_add_str(&text, "GET");
    struct reading reading = read_in_steps(text.data, text.len, 1000, 0);
    ck_assert_int_eq(reading.fault.status, 431);
    buf_release(&text);
}
END_TEST

START_TEST(a_target_of_more_than_8192_bytes_is_refused)
{
    struct buf text = BUF_INIT;
    buf_add_str(&text, "GET /");
    while (text.len < 9000)
        buf_add_ch(&text, 'a');
    buf_add_str(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_int_eq(read_in_steps(text.data, text.len, text.len, 0).fault.status, 414);
    buf_release(&text);
}
END_TEST

START_TEST(escapes_decode_to_text_or_not_at_all)
{
    static const struct {
        const char *text;
        bool plus;
        const char *decoded; /* NULL: refused */
    } cases[] = {{"plain", false, "plain"},
                 {"a%20b", false, "a b"},
                 {"a+b", false, "a+b"},
                 {"a+b", true, "a b"},
                 {"%2F%2f", false, "//"},
                 {"%c3%a4", false, "\xc3\xa4"},
                 {"", false, ""},
                 {"%00", false, NULL},
                 {"%0a", false, NULL},
                 {"%7f", false, NULL},
                 {"%c3", false, NULL},
                 {"%ff", false, NULL},
                 {"%ed%a0%80", false, NULL},
                 {"%", false, NULL},
                 {"%4", false, NULL},
                 {"%4g", false, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[64];
        int result = http_decode(cases[i].text, strlen(cases[i].text), cases[i].plus, out);
        ck_assert_msg((result == 0) == (cases[i].decoded != NULL), "%s", cases[i].text);
        if (result == 0)
            ck_assert_str_eq(out, cases[i].decoded);
    }
}
END_TEST

START_TEST(a_traceparent_is_of_the_w3c_form_or_ignored)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
                 {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true},
                 {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false},
                 {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more", false},
                 {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
                 {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
                 {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
                 {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
                 {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false},
                 {"", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(http_traceparent_valid(cases[i].text, strlen(cases[i].text)) == cases[i].valid, "%s",
                      cases[i].text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_filter");
    TCase *tests = tcase_create("filter");
    int count = (int)(sizeof requests / sizeof *requests);
    tcase_add_loop_test(tests, a_request_is_taken_whole_or_refused_with_its_status, 0, count);
    tcase_add_loop_test(tests, it_does_not_matter_where_the_network_cuts, 0, count);
    tcase_add_test(tests, a_nul_byte_in_a_header_is_refused);
    tcase_add_test(tests, what_follows_a_request_is_left_for_the_next);
    tcase_add_test(tests, the_target_is_split_into_path_and_query);
    tcase_add_test(tests, headers_have_a_ceiling_in_bytes_and_in_number);
    tcase_add_test(tests, a_line_that_never_ends_is_refused_at_the_ceiling);
    tcase_add_test(tests, a_target_of_more_than_8192_bytes_is_refused);
    tcase_add_test(tests, escapes_decode_to_text_or_not_at_all);
    tcase_add_test(tests, a_traceparent_is_of_the_w3c_form_or_ignored);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
