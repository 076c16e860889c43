/*
 * test_failing_pure.c: what only computes, while each of its calls for memory fails in turn: it gets by without, or the process ends
 * with a message (fatal); never by a signal, and never with something else for an answer.
 */
#include <check.h>
#include <stdlib.h>

#include "../../api-gateway/gateway.h"
#include "../../api-gateway/http_filter.h"
#include "../failing/failing.h"
#include "delivery.h"
#include "digest.h"
#include "mem.h"

static const char document[] =
    "{\"id\":\"u-1\",\"email\":\"a@example.com\",\"name\":\"Zo\\u00eb \\ud83d\\ude00\",\"total\":1.50,"
    "\"big\":18446744073709551616,\"yes\":true,\"none\":null,\"list\":[1,2,[3,{\"a\":[]}],\"x\",4.5,6,7,8],"
    "\"deep\":{\"a\":{\"b\":{\"c\":\"d\"}}},\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,"
    "\"i\":9,\"j\":10,"
    "\"k\":11,\"l\":12}";

static struct json *parse(const char *text)
{
    struct json_error error;
    bool ok;
    struct json *json = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);
    sweep_expect(ok);
    return json;
}

/* ---- lives ---- */

static void life_of_json(void)
{
    struct json *json = parse(document), *copy = json_copy(json);
    struct buf text = BUF_INIT;
    sweep_expect(json_equal(json, copy));
    json_set(copy, "new", json_new_text("value"));
    json_append(json_get(copy, "list"), json_new_int(9));
    json_write(&text, copy);
    struct json *again = parse(text.data);
    sweep_expect(json_equal(copy, again));
    json_free(json), json_free(copy), json_free(again);
    buf_release(&text);
}

static void life_of_a_refusal(void)
{
    static const char *const wrong[] = {"{\"a\":[1,{\"b\":\"\\ud800\"}]}", "{\"a\":1,\"b\":{},\"a\":2}",
                                        "[[[[1,2,03]]]]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct json_error error;
        bool ok = true;
        sweep_expect(json_parse(wrong[i], strlen(wrong[i]), JSON_DEPTH_MAX, &error, &ok) == NULL);
        sweep_expect(!ok);
    }
}

static struct ref reference(int number)
{
    struct ref ref = {.seq = number, .type = EVENT_ORDER_UPDATED, .tenant = "acme"};
    ref.event.bytes[0] = (uint8_t)number;
    ref.record.bytes[15] = 7;
    snprintf(ref.trace, sizeof ref.trace, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    return ref;
}

static void life_of_an_entry(void)
{
    struct msg_field fields[2 + 2 * 5] = {{PROTO_FIELD_VERSION, 1}, {"1", 1}};
    struct buf texts[5];
    struct ref refs[PROTO_REFS_MAX];
    size_t count;
    const char *why;
    for (int i = 0; i < 5; i++) {
        struct ref ref = reference(i);
        buf_init(&texts[i]);
        msg_format_ref(&texts[i], &ref);
        fields[2 + 2 * i] = (struct msg_field){PROTO_FIELD_REF, 1};
        fields[3 + 2 * i] = (struct msg_field){texts[i].data, texts[i].len};
    }
    sweep_expect(msg_parse_entry(fields, 12, refs, &count, &why) == MSG_OK);
    sweep_expect(count == 5);
    for (int i = 0; i < 5; i++) {
        sweep_expect(refs[i].seq == i);
        buf_release(&texts[i]);
    }
}

static const char *no_variable(void *arg, const char *name)
{
    (void)arg, (void)name;
    return NULL;
}

static struct platform_set *load(void)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = platform_set_load("config/platforms", no_variable, NULL, &errors);
    sweep_expect(set != NULL && errors.len == 0);
    buf_release(&errors);
    return set;
}

static void life_of_platform_files(void)
{
    struct buf errors = BUF_INIT;
    struct platform_set *set = platform_set_load("config/platforms", no_variable, NULL, &errors);
    sweep_expect(set ? errors.len == 0 && platform_count(set) >= 3 : errors.len > 0);
    platform_set_free(&set);
    buf_release(&errors);
}

static struct platform_set *platforms;

/* What a platform sent, in common words, and then as another platform gets it. */
static void life_of_a_delivery(void)
{
    const struct platform *from = platform_find(platforms, "bizoholic"),
                          *to = platform_find(platforms, "coreldove");
    struct json *sent =
        parse("{\"user_id\":\"u-1\",\"email\":\"a@example.com\",\"name\":\"Ann Bee\",\"status\":\"active\","
              "\"budget\":12.5,\"currency\":\"USD\",\"tags\":[\"a\",\"b\"]}");
    struct json *common = mapping_in(from, ENTITY_USER, sent), *errors = json_new_array();
    sweep_expect(mapping_check(from, ENTITY_USER, common, sent, errors) == 0);
    struct delivery_source source = {.target = to,
                                     .platforms = platforms,
                                     .type = EVENT_USER_CREATED,
                                     .verb = VERB_CREATE,
                                     .generation = 1,
                                     .source_platform = "bizoholic",
                                     .tenant = "acme",
                                     .has_record = true,
                                     .version = 1,
                                     .data = common};
    struct buf body = BUF_INIT, item = BUF_INIT, error = BUF_INIT, path = BUF_INIT;
    sweep_expect(delivery_body(&source, &body, &error) == DELIVERY_BUILT);
    delivery_bulk_item(&source, &body, &item);
    delivery_path(&source, &path);
    sweep_expect(strstr(body.data, "a@example.com") && strstr(item.data, "webhook_id"));
    json_free(sent), json_free(common), json_free(errors);
    buf_release(&body), buf_release(&item), buf_release(&error), buf_release(&path);
}

static void life_of_a_posted_event(void)
{
    struct identity identity = {.subject = "shop", .tenant = "acme", .role = AUTH_SERVICE};
    struct accept_context context = {
        .platforms = platforms, .identity = &identity, .max_retries = 3, .now_ms = 1};
    struct json *body =
        parse("{\"event_type\":\"user_created\",\"source_platform\":\"bizoholic\",\"target_platforms\":"
              "[\"coreldove\",\"bizosaas\"],\"id\":\"e-1\",\"priority\":2,\"data\":{\"user_id\":\"u1\","
              "\"email\":\"u@example.com\",\"name\":\"U\"}}");
    struct json *wrong = parse("{\"event_type\":\"nonsense\",\"data\":[]}"), *errors = json_new_array();
    struct arena *arena = arena_new(1024);
    struct accept_event event;
    struct problem problem = {0};
    sweep_expect(accept_parse(&context, body, arena, &event, &problem, errors) == 0);
    sweep_expect(strcmp(event.targets, "coreldove,bizosaas") == 0);
    sweep_expect(accept_parse(&context, wrong, arena, &event, &problem, errors) == -1);
    json_free(body), json_free(wrong), json_free(errors);
    arena_free(&arena);
}

/* A request with a chunked body, byte by byte. */
static void life_of_a_request(void)
{
    static const char text[] =
        "POST /sync/events?x=1 HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n";
    struct http_scan scan;
    struct http_fault fault;
    enum http_scan_event event = HTTP_SCAN_MORE;
    http_scan_init(&scan, 16384);
    for (size_t i = 0, used; i < sizeof text - 1; i += used) {
        sweep_expect(event == HTTP_SCAN_MORE);
        event = http_scan_feed(&scan, text + i, 1, &used, &fault);
        if (event != HTTP_SCAN_HEADS)
            continue;
        struct http_head *head = http_scan_take_head(&scan);
        event = http_scan_body(&scan, head, 1000, &fault);
        http_head_free(head);
    }
    sweep_expect(event == HTTP_SCAN_ENDS);
    http_scan_release(&scan);
    http_heads_release();
}

/* ---- the sweeps ---- */

static const struct sweep sweeps[] = {
    {.name = "json", .life = life_of_json},
    {.name = "json that is refused", .life = life_of_a_refusal},
    {.name = "entry", .life = life_of_an_entry},
    {.name = "platform files", .life = life_of_platform_files},
    {.name = "delivery", .life = life_of_a_delivery},
    {.name = "posted event", .life = life_of_a_posted_event},
    {.name = "request", .life = life_of_a_request},
};

static void sweep_memory(const struct sweep *which, bool stays)
{
    struct sweep sweep = *which;
    sweep.kind = FAILING_MEMORY;
    sweep.stays = stays;
    uint8_t hash[32];
    platforms = load();
    digest_sha256("", 0, hash); /* libcrypto sets itself up, once: with thousands of calls */
    sweep_run(&sweep);
    platform_set_free(&platforms);
}

START_TEST(a_call_for_memory_that_fails_is_dealt_with_or_ends_the_process_with_a_message)
{
    sweep_memory(&sweeps[_i], false);
}
END_TEST

START_TEST(memory_that_stays_out_ends_the_process_with_a_message)
{
    sweep_memory(&sweeps[_i], true);
}
END_TEST

int main(void)
{
    const int count = sizeof sweeps / sizeof *sweeps;
    Suite *suite = suite_create("failing_pure");
    TCase *tests = tcase_create("failing_pure");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_call_for_memory_that_fails_is_dealt_with_or_ends_the_process_with_a_message,
                        0, count);
    tcase_add_loop_test(tests, memory_that_stays_out_ends_the_process_with_a_message, 0, count);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
