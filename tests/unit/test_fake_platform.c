/* The fake platform's judgement: other tests believe what it counts, refuses and ignores. */
#include <check.h>

#include "mem.h"
#include "tests/fake-platform/faults.h"
#include "tests/fake-platform/histogram.h"
#include "tests/fake-platform/http_parse.h"
#include "tests/fake-platform/received.h"
#include "tests/fake-platform/records.h"

static struct json *parse(const char *text)
{
    struct json_error error;
    bool ok;
    struct json *json = json_parse(text, strlen(text), JSON_DEPTH_MAX, &error, &ok);

    ck_assert_msg(ok, "%s: %s", text, error.detail);
    return json;
}

/* ── HTTP ── */

START_TEST(a_request_is_taken_only_when_it_is_whole)
{
    static const char whole[] =
        "POST /api/sync/user/create?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    size_t len = sizeof whole - 1;
    struct http_frame frame;

    for (size_t cut = 0; cut < len - 2; cut++)
        ck_assert_int_eq(http_frame_head(whole, cut, &frame), HTTP_MORE);
    ck_assert_int_eq(http_frame_head(whole, len, &frame), HTTP_DONE);
    ck_assert_uint_eq(frame.head_len, len - 2);
    ck_assert_uint_eq(frame.body_len, 2);
}
END_TEST

START_TEST(a_head_is_split_into_its_parts)
{
    char head[] = "PUT /api/sync/user/a%20b?after=12&x=a+b HTTP/1.1\r\nHost: h\r\nwebhook-ID:  "
                  "w1\r\nConnection: close\r\n\r\n";
    struct http_frame frame;
    struct http_request request;
    char value[16];

    ck_assert_int_eq(http_frame_head(head, sizeof head - 1, &frame), HTTP_DONE);
    ck_assert_int_eq(http_split_head(head, &frame, &request), 0);
    ck_assert_str_eq(request.method, "PUT");
    ck_assert_str_eq(request.path, "/api/sync/user/a%20b");
    ck_assert_int_eq(http_query_int(&request, "after", 0), 12);
    ck_assert_int_eq(http_query_int(&request, "limit", 7), 7);
    ck_assert(http_query(&request, "x", value, sizeof value));
    ck_assert_str_eq(value, "a b");
    ck_assert_str_eq(http_header(&request, "Webhook-Id"), "w1");
    ck_assert(!request.keep_alive);
}
END_TEST

static const char *const bad_heads[] = {"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                                        "GET / HTTP/1.1\r\nContent-Length: \r\n\r\n",
                                        "GET / HTTP/1.1\r\nContent-Length: 1 2\r\n\r\n",
                                        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                                        "GARBAGE\r\n\r\n",
                                        "GET nowhere HTTP/1.1\r\n\r\n",
                                        "GET / HTTP/2\r\n\r\n",
                                        "GET / HTTP/1.1\r\nno colon\r\n\r\n"};

START_TEST(a_head_that_is_none_is_refused)
{
    char *head = mem_strdup(bad_heads[_i]);
    struct http_frame frame;
    struct http_request request;
    enum http_progress progress = http_frame_head(head, strlen(head), &frame);

    ck_assert(progress == HTTP_BAD ||
              (progress == HTTP_DONE && http_split_head(head, &frame, &request) == -1));
    free(head);
}
END_TEST

START_TEST(chunks_are_joined_and_nothing_behind_them_is_taken)
{
    static const char chunks[] = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\nGET";
    struct buf body = BUF_INIT;
    size_t used = 0;

    for (size_t cut = 0; cut < sizeof chunks - 4; cut++)
        ck_assert_int_eq(http_decode_chunks(chunks, cut, &body, &used), HTTP_MORE);
    ck_assert_int_eq(http_decode_chunks(chunks, sizeof chunks - 1, &body, &used), HTTP_DONE);
    ck_assert_str_eq(body.data, "abc0123456789");
    ck_assert_uint_eq(used, sizeof chunks - 4);
    ck_assert_int_eq(http_decode_chunks("zz\r\n", 4, &body, &used), HTTP_BAD);
    buf_release(&body);
}
END_TEST

START_TEST(a_quantile_is_at_most_two_percent_off)
{
    static struct histogram histogram;
    const double quantiles[] = {0.01, 0.5, 0.95, 0.99};

    for (int64_t value = 1; value <= 200000; value++)
        histogram_add(&histogram, value);
    for (size_t i = 0; i < 4; i++) {
        double exact = quantiles[i] * 200000;

        ck_assert_double_ge((double)histogram_quantile(&histogram, quantiles[i]), exact);
        ck_assert_double_le((double)histogram_quantile(&histogram, quantiles[i]), exact * 1.02);
    }
    ck_assert_int_eq(histogram_quantile(&histogram, 1), 200000);
}
END_TEST

/* ── records ── */

static struct records records;

static void records_up(void)
{
    records_init(&records, "coreldove", 4);
}

static void records_down(void)
{
    records_release(&records);
}

static enum record_verdict change(enum record_operation operation, const char *entity, const char *tenant,
                                  const char *data, int64_t version)
{
    struct json *json = parse(data);
    struct record_change wanted = {operation, entity, tenant, NULL, json, version};
    struct record *record;
    enum record_verdict verdict = records_apply(&records, &wanted, &record);

    json_free(json);
    return verdict;
}

START_TEST(strict_platforms_refuse_a_second_create_and_an_update_of_the_unknown)
{
    ck_assert_int_eq(change(RECORD_UPDATE, "user", "t", "{\"customer_id\":\"u1\"}", 1), RECORD_UNKNOWN);
    ck_assert_int_eq(change(RECORD_CREATE, "user", "t", "{\"customer_id\":\"u1\"}", 1), RECORD_DONE);
    ck_assert_int_eq(change(RECORD_CREATE, "user", "t", "{\"id\":\"u1\"}", 2), RECORD_EXISTS);
    ck_assert_int_eq(change(RECORD_CREATE, "lead", "t", "{\"id\":\"u1\"}", 1), RECORD_DONE);
    records.strict = false;
    ck_assert_int_eq(change(RECORD_CREATE, "user", "t", "{\"id\":\"u1\"}", 2), RECORD_DONE);
    ck_assert_int_eq(change(RECORD_UPDATE, "user", "t", "{\"id\":\"u2\"}", 1), RECORD_DONE);
    ck_assert_int_eq(change(RECORD_DELETE, "user", "t", "{\"id\":\"u3\"}", 1), RECORD_UNKNOWN);
}
END_TEST

START_TEST(a_version_not_above_the_kept_one_changes_nothing)
{
    const struct record *record;

    change(RECORD_CREATE, "user", "t", "{\"id\":\"u1\",\"name\":\"new\"}", 5);
    ck_assert_int_eq(change(RECORD_UPDATE, "user", "t", "{\"id\":\"u1\",\"name\":\"old\"}", 4),
                     RECORD_IGNORED);
    ck_assert_int_eq(change(RECORD_UPDATE, "user", "t", "{\"id\":\"u1\",\"name\":\"old\"}", 5),
                     RECORD_IGNORED);
    record = records_find(&records, "user", "t", "u1");
    ck_assert_str_eq(json_get_text(record->data, "name"), "new");
    records.ignore_lower = false;
    ck_assert_int_eq(change(RECORD_UPDATE, "user", "t", "{\"id\":\"u1\",\"name\":\"old\"}", 4), RECORD_DONE);
    ck_assert_str_eq(json_get_text(record->data, "name"), "old");
}
END_TEST

START_TEST(a_record_is_found_under_every_id_it_came_with)
{
    const struct record *record;

    change(RECORD_CREATE, "user", "t", "{\"customer_id\":7,\"_sync_metadata\":{\"record_id\":\"r1\"}}", 1);
    record = records_find(&records, "user", "t", "7");
    ck_assert_ptr_nonnull(record);
    ck_assert_ptr_eq(records_find(&records, "user", "", "r1"), record);
    ck_assert_ptr_eq(records_find(&records, "user", "t", record->own_id), record);
    ck_assert_ptr_null(json_get(record->data, "_sync_metadata"));
    ck_assert_ptr_null(records_find(&records, "user", "other", "7"));
}
END_TEST

START_TEST(two_orders_of_one_customer_are_two_records)
{
    ck_assert_int_eq(change(RECORD_CREATE, "order", "t", "{\"order_id\":\"o1\",\"customer_id\":\"c\"}", 1),
                     RECORD_DONE);
    ck_assert_int_eq(change(RECORD_CREATE, "order", "t", "{\"order_id\":\"o2\",\"customer_id\":\"c\"}", 1),
                     RECORD_DONE);
    ck_assert_uint_eq(records.count, 2);
}
END_TEST

START_TEST(a_deleted_record_is_unknown_until_created_anew)
{
    change(RECORD_CREATE, "user", "t", "{\"id\":\"u1\",\"name\":\"a\"}", 1);
    ck_assert_int_eq(change(RECORD_DELETE, "user", "t", "{\"id\":\"u1\"}", 3), RECORD_DONE);
    ck_assert_int_eq(change(RECORD_UPDATE, "user", "t", "{\"id\":\"u1\"}", 2), RECORD_IGNORED);
    ck_assert_int_eq(change(RECORD_UPDATE, "user", "t", "{\"id\":\"u1\"}", 4), RECORD_UNKNOWN);
    ck_assert_int_eq(change(RECORD_CREATE, "user", "t", "{\"id\":\"u1\"}", 4), RECORD_DONE);
    ck_assert_ptr_null(json_get(records_find(&records, "user", "t", "u1")->data, "name"));
}
END_TEST

START_TEST(a_full_platform_says_so)
{
    for (int i = 0; i < 4; i++) {
        char data[32];

        snprintf(data, sizeof data, "{\"id\":%d}", i);
        ck_assert_int_eq(change(RECORD_CREATE, "user", "t", data, 1), RECORD_DONE);
    }
    ck_assert_int_eq(change(RECORD_CREATE, "user", "t", "{\"id\":9}", 1), RECORD_FULL);
}
END_TEST

/* ── faults ── */

static const char *const ids[] = {"u1", "r1", NULL};
static const struct fault_subject subject = {
    "/api/sync/user/create", "user", "create", "t", ids, FAULT_SINGLE};

static struct faults *faults_of(const char *rules)
{
    struct faults *faults = faults_new();
    struct json *json = parse(rules);
    char error[200];

    ck_assert_int_eq(faults_load(faults, json, error, sizeof error), 0);
    json_free(json);
    return faults;
}

/* How the next `count` requests end, a digit each: 0 untouched, else the first digit of the status, 9 without one. */
static void strikes(struct faults *faults, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++) {
        struct http_answer answer;
        struct fault fault;

        out[i] = '0';
        if (faults_strike(faults, &subject, &fault, &answer))
            out[i] = answer.status ? (char)('0' + answer.status / 100) : '9';
    }
    out[count] = '\0';
}

static const struct {
    const char *rules, *strikes;
} rule_rows[] = {
    {"[]", "000000"},
    {"[{\"status\":503}]", "555555"},
    {"[{\"status\":503,\"times\":2}]", "550000"},
    {"[{\"status\":503,\"times\":1},{\"status\":429,\"times\":2}]", "544000"},
    {"[{\"match\":{\"every\":3},\"status\":500}]", "005005"},
    {"[{\"match\":{\"every\":2},\"status\":500,\"times\":1}]", "050000"},
    {"[{\"match\":{\"id\":\"r1\"},\"action\":\"hang\"}]", "999999"},
    {"[{\"match\":{\"id\":\"u2\"},\"status\":503}]", "000000"},
    {"[{\"match\":{\"entity\":\"order\"},\"status\":503}]", "000000"},
    {"[{\"match\":{\"operation\":\"update\"},\"status\":503}]", "000000"},
    {"[{\"match\":{\"tenant\":\"t\",\"path\":\"/api/sync/us\"},\"status\":503}]", "555555"},
    {"[{\"match\":{\"path\":\"/api/sync/lead\"},\"status\":503}]", "000000"},
    {"[{\"action\":\"html\"}]", "222222"},
    {"[{\"action\":\"html\",\"status\":502}]", "555555"},
    {"[{\"action\":\"redirect\",\"times\":1}]", "300000"},
};

START_TEST(a_rule_strikes_whom_and_as_often_as_it_says)
{
    struct faults *faults = faults_of(rule_rows[_i].rules);
    char seen[8];

    strikes(faults, 6, seen);
    ck_assert_msg(strcmp(seen, rule_rows[_i].strikes) == 0, "%s: %s", rule_rows[_i].rules, seen);
    faults_free(&faults);
}
END_TEST

START_TEST(rules_that_make_no_sense_leave_the_old_ones)
{
    struct faults *faults = faults_of("[{\"status\":503}]");
    struct json *bad = parse("[{\"status\":429},{\"action\":\"explode\"}]");
    char error[200], seen[4];

    ck_assert_int_eq(faults_load(faults, bad, error, sizeof error), -1);
    ck_assert_ptr_nonnull(strstr(error, "reset_mid_answer"));
    strikes(faults, 2, seen);
    ck_assert_str_eq(seen, "55");
    json_free(bad);
    faults_free(&faults);
}
END_TEST

/* ── what was received ── */

static void take(struct received *received, const char *webhook_id, int64_t version, int status)
{
    struct http_request request = {.method = "POST",
                                   .path = "/api/sync/user/update",
                                   .query = "",
                                   .body = "{}",
                                   .body_len = 2,
                                   .received_us = 1,
                                   .header_count = 1,
                                   .headers = {{"Webhook-Id", webhook_id}}};
    struct received_facts facts = {.record = "user/t/u1", .version = version, .status = status};

    received_add(received, &request, &facts);
}

static int64_t counted(const struct received *received, const char *name)
{
    struct buf out = BUF_INIT;
    struct json *summary;
    int64_t value = -1;

    received_write_summary(received, &out);
    summary = parse(out.data);
    ck_assert_int_eq(json_int64(json_get(summary, name), &value), 0);
    json_free(summary);
    buf_release(&out);
    return value;
}

START_TEST(a_repetition_is_a_duplicate_only_after_success)
{
    struct received *received = received_new(10);

    take(received, "w1", 1, 503);
    take(received, "w1", 1, 0);
    take(received, "w1", 1, 200);
    ck_assert_int_eq(counted(received, "repeats"), 2);
    ck_assert_int_eq(counted(received, "duplicates"), 0);
    take(received, "w1", 1, 200);
    ck_assert_int_eq(counted(received, "duplicates"), 1);
    ck_assert_int_eq(counted(received, "webhook_ids"), 1);
    received_free(&received);
}
END_TEST

START_TEST(a_lower_version_than_one_received_is_out_of_order)
{
    struct received *received = received_new(10);

    take(received, "w1", 1, 200);
    take(received, "w3", 3, 200);
    take(received, "w3", 3, 200);
    ck_assert_int_eq(counted(received, "out_of_order"), 0);
    take(received, "w2", 2, 200);
    ck_assert_int_eq(counted(received, "out_of_order"), 1);
    received_free(&received);
}
END_TEST

START_TEST(the_ring_keeps_the_newest_and_counts_all)
{
    struct received *received = received_new(3);
    struct buf out = BUF_INIT;
    struct json *json;
    int64_t seq;

    for (int i = 1; i <= 7; i++)
        take(received, "w", i, 200);
    received_write(received, 0, 2, &out);
    json = parse(out.data);
    ck_assert_uint_eq(json_count(json_get(json, "received")), 2);
    ck_assert_int_eq(json_int64(json_get(json_at(json_get(json, "received"), 0), "seq"), &seq), 0);
    ck_assert_int_eq(seq, 5);
    ck_assert_int_eq(json_int64(json_get(json, "next_after"), &seq), 0);
    ck_assert_int_eq(seq, 6);
    ck_assert_int_eq(counted(received, "total"), 7);
    json_free(json);
    buf_release(&out);
    received_free(&received);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("fake_platform");
    TCase *pure = tcase_create("pure"), *records_case = tcase_create("records");

    tcase_add_test(pure, a_request_is_taken_only_when_it_is_whole);
    tcase_add_test(pure, a_head_is_split_into_its_parts);
    tcase_add_loop_test(pure, a_head_that_is_none_is_refused, 0, sizeof bad_heads / sizeof *bad_heads);
    tcase_add_test(pure, chunks_are_joined_and_nothing_behind_them_is_taken);
    tcase_add_test(pure, a_quantile_is_at_most_two_percent_off);
    tcase_add_loop_test(pure, a_rule_strikes_whom_and_as_often_as_it_says, 0,
                        sizeof rule_rows / sizeof *rule_rows);
    tcase_add_test(pure, rules_that_make_no_sense_leave_the_old_ones);
    tcase_add_test(pure, a_repetition_is_a_duplicate_only_after_success);
    tcase_add_test(pure, a_lower_version_than_one_received_is_out_of_order);
    tcase_add_test(pure, the_ring_keeps_the_newest_and_counts_all);
    tcase_add_checked_fixture(records_case, records_up, records_down);
    tcase_add_test(records_case, strict_platforms_refuse_a_second_create_and_an_update_of_the_unknown);
    tcase_add_test(records_case, a_version_not_above_the_kept_one_changes_nothing);
    tcase_add_test(records_case, a_record_is_found_under_every_id_it_came_with);
    tcase_add_test(records_case, two_orders_of_one_customer_are_two_records);
    tcase_add_test(records_case, a_deleted_record_is_unknown_until_created_anew);
    tcase_add_test(records_case, a_full_platform_says_so);
    suite_add_tcase(suite, pure);
    suite_add_tcase(suite, records_case);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
