/*
 * flow_odd_values.c: values at the edge of what is usual: what no platform could hold is refused with a pointer, what one cannot
 * be given fails for that one with the field named, and all the rest arrives to the byte.
 */
#include <string.h>

#include "flow_fixture.h"

static int number;

static const char *new_id(void)
{
    return api_text("odd%d-%d", (int)getpid(), number++);
}

static const char *event(const char *type, const char *source, const char *targets, const char *data)
{
    return api_text(
        "{\"event_type\":\"%s\",\"source_platform\":\"%s\",\"target_platforms\":[%s],\"data\":%s}", type,
        source, targets, data);
}

static const char *post(const char *body)
{
    const struct api_answer *answer = api_post("/sync/events", body);

    ck_assert_msg(answer->status == 200, "%d %s for %.300s", answer->status, answer->body, body);
    return pick_text(answer->json, "/event_id");
}

#define BOTH "\"bizoholic\",\"coreldove\""

/* ── what arrives as it is ── */

static const char *const values[] = {
    /* text */
    "\"\"",
    "\" \"",
    "\"\\t\\n\\r\\b\\f\\\\\\/\\\"\"",
    "\"\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"
    "\"",                 /* emoji, joined */
    "\"\\ud83d\\ude00\"", /* the same, escaped */
    "\"a\xe2\x80\xae"
    "b\xe2\x80\x8f"
    "c\xe2\x81\xa6"
    "d\xe2\x81\xa9\"", /* right-to-left marks */
    "\"\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7\"",
    "\"a\xe2\x80\x8b"
    "b\xef\xbb\xbf"
    "c\xc2\xad\"",                      /* zero width, a BOM inside, a soft hyphen */
    "\"e\xcc\x81 \xc3\xa9\"",           /* the same letter, two ways: not made one */
    "\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\"", /* the last code points */
    "\"\\u0001\\u001f\\u007f\"",
    "\"<script>&amp;'; DROP TABLE records; --\"",
    "\"%s%n{entity}\"",
    "\"null\"",
    /* numbers keep their digits */
    "1e400",
    "-1e400",
    "1e-400",
    "0.30000000000000004",
    "0.1",
    "-0",
    "-0.0",
    "0e0",
    "1E+2",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890.123456789012345678901234567890",
    /* the rest */
    "true",
    "[]",
    "{}",
    "[null,[],{},[[null]]]",
    "{\"\":1,\" "
    "\":2,\"a/b~c\":3,\"__proto__\":4,\"\xf0\x9f\x98\x80\":5,\"id\":6,\"_sync_metadata\":7}",
};

static void check_arrives(const char *id, const char *target, const char *value)
{
    const struct json *got = fake_await(target, "/body/event_id", id);
    const struct json *wanted = pick_parse(value, strlen(value));

    ck_assert_msg(strcmp(pick_print(pick(got, "/body/data/odd")), pick_print(wanted)) == 0,
                  "%s got %s for %s", target, pick_print(pick(got, "/body/data/odd")), value);
}

START_TEST(odd_values_arrive_as_they_were_sent)
{
    const char *ids[COUNT(values)];

    for (size_t i = 0; i < COUNT(values); i++)
        ids[i] =
            post(event("lead_created", "bizosaas", BOTH,
                       api_text("{\"id\":\"%s\",\"email\":\"o@example.com\",\"status\":\"new\",\"odd\":%s}",
                                new_id(), values[i])));
    for (size_t i = 0; i < COUNT(values); i++) {
        check_arrives(ids[i], "bizoholic", values[i]);
        check_arrives(ids[i], "coreldove", values[i]);
    }
}
END_TEST

START_TEST(odd_values_of_operational_data_arrive_too)
{
    const char *ids[COUNT(values)];

    for (size_t i = 0; i < COUNT(values); i++)
        ids[i] = post(event("analytics_updated", "bizosaas", BOTH, api_text("{\"odd\":%s}", values[i])));
    for (size_t i = 0; i < COUNT(values); i++)
        check_arrives(ids[i], "coreldove", values[i]);
}
END_TEST

START_TEST(an_odd_value_that_did_not_change_is_not_sent_again)
{
    const char *id = new_id();

    for (size_t i = 0; i < COUNT(values); i++) {
        const char *data = api_text(
            "{\"id\":\"%s%zu\",\"email\":\"o@example.com\",\"status\":\"new\",\"odd\":%s}", id, i, values[i]);
        api_await(post(event("lead_created", "bizosaas", "\"bizoholic\"", data)), "completed");
        const struct json *again =
            api_await(post(event("lead_updated", "bizosaas", "\"bizoholic\"", data)), "completed");
        ck_assert_msg(strcmp(pick_text(again, "/results/0/status"), "skipped") == 0, "%s: %s", values[i],
                      pick_print(pick(again, "/results/0")));
    }
}
END_TEST

START_TEST(a_note_of_100_kb_arrives_whole)
{
    struct buf note = BUF_INIT;

    while (note.len < 100 * 1024)
        buf_addf(&note, "%zu \xf0\x9f\x93\x9d\xe2\x80\x8f\\n\\\"", note.len);
    const char *value = api_text("\"%s\"", note.data);
    const char *id =
        post(event("lead_created", "bizosaas", BOTH,
                   api_text("{\"id\":\"%s\",\"email\":\"o@example.com\",\"status\":\"new\",\"odd\":%s}",
                            new_id(), value)));
    check_arrives(id, "bizoholic", value);
    check_arrives(id, "coreldove", value);
    buf_release(&note);
}
END_TEST

START_TEST(odd_ids_name_their_record)
{
    static const char *const ids[] = {"\"\xf0\x9f\x98\x80\"", "\" \"", "\"a/b?c#d%\"",     "\"-0\"",
                                      "18446744073709551616", "-7",    "\"\xe2\x80\x8f\"", "\"'; --\""};

    for (size_t i = 0; i < COUNT(ids); i++) {
        const char *data = api_text("{\"id\":%s,\"email\":\"o@example.com\",\"status\":\"new\"}", ids[i]);
        const char *event_id = post(event("lead_created", "bizosaas", "\"bizoholic\"", data));
        const struct json *got = fake_await("bizoholic", "/body/event_id", event_id);
        const struct json *wanted = pick_parse(ids[i], strlen(ids[i]));
        ck_assert_str_eq(pick_text(got, "/body/data/lead_id"), json_text(wanted, NULL));
        api_await(post(event("lead_deleted", "bizosaas", "\"bizoholic\"", data)), "completed");
        ck_assert_int_eq(sql_int("SELECT count(*) FROM records WHERE id = '%s' AND deleted",
                                 pick_text(got, "/body/data/_sync_metadata/record_id")),
                         1);
    }
}
END_TEST

/* ── amounts ── */

static const struct {
    const char *value;
    const char *arrives; /* digits at coreldove, in INR; NULL: refused with a pointer to price */
} amounts[] = {
    {"12.5", "1037.50"},
    {"\"12.50\"", "1037.50"},
    {"\"1e2\"", "8300.00"},
    {"1E2", "8300.00"},
    {"0.30000000000000004", "24.90"},
    {"0", "0.00"},
    {"-0", "0.00"},
    {"-0.0", "0.00"},
    {"0.0001", "0.01"},
    {"0.00005", "0.00"},
    {"111111111111111.11", "9222222222222222.13"},
    {"\"12,50\"", NULL},
    {"\"1,250.00\"", NULL},
    {"\"\xe2\x82\xb9"
     "100\"",
     NULL},
    {"\"100 INR\"", NULL},
    {"\"\"", NULL},
    {"\" 12\"", NULL},
    {"\"NaN\"", NULL},
    {"\"0x10\"", NULL},
    {"\"\xd9\xa1\xd9\xa2\"", NULL}, /* Arabic digits */
    {"1e400", NULL},
    {"1e-400", NULL},
    {"9223372036854775808", NULL},
    {"18446744073709551616", NULL},
    {"true", NULL},
    {"[]", NULL},
    {"{}", NULL},
};

START_TEST(an_amount_arrives_in_the_platforms_currency_or_is_refused_with_a_pointer)
{
    for (size_t i = 0; i < COUNT(amounts); i++) {
        const char *body =
            event("product_created", "bizosaas", "\"coreldove\"",
                  api_text("{\"id\":\"%s\",\"name\":\"L\",\"price\":%s}", new_id(), amounts[i].value));
        const struct api_answer *answer = api_post("/sync/events", body);
        if (!amounts[i].arrives) {
            ck_assert_msg(answer->status == 422, "%s: %d %s", amounts[i].value, answer->status, answer->body);
            pick_check(answer->json, "/errors/0/pointer", "/data/price");
            ck_assert(strstr(pick_text(answer->json, "/errors/0/detail"), "price must be an amount") != NULL);
            continue;
        }
        ck_assert_msg(answer->status == 200, "%s: %d %s", amounts[i].value, answer->status, answer->body);
        const struct json *got =
            fake_await("coreldove", "/body/event_id", pick_text(answer->json, "/event_id"));
        ck_assert_msg(strcmp(pick_text(got, "/body/data/product_price"), amounts[i].arrives) == 0, "%s is %s",
                      amounts[i].value, pick_text(got, "/body/data/product_price"));
        ck_assert_str_eq(pick_text(got, "/body/data/price_inr"), amounts[i].arrives);
    }
}
END_TEST

/* ── what one target cannot be given ── */

static const struct {
    const char *type, *data; /* @ is the id */
    const char *fails;       /* the target */
    const char *sentence;
    const char *goes_on; /* the other target; NULL: it fails with this field too */
} impossible[] = {
    {"product_created", "{\"id\":\"@\",\"name\":\"L\",\"price\":9223372036854775807}", "coreldove",
     "price cannot be given in INR: it is too large", "bizoholic"},
    {"product_created", "{\"id\":\"@\",\"name\":\"L\",\"price\":5,\"currency\":\"XXX\"}", "coreldove",
     "price cannot be given in INR: it is in XXX, and no platform file has a rate for that", NULL},
    {"product_created", "{\"id\":\"@\",\"name\":\"L\",\"price\":null}", "coreldove",
     "coreldove requires price for a create, and this product has none", NULL},
    {"product_created", "{\"id\":\"@\",\"name\":null,\"price\":1}", "bizoholic",
     "bizoholic requires name for a create, and this product has none", NULL},
    {"lead_created", "{\"id\":\"@\",\"email\":\"o@example.com\",\"status\":null}", "coreldove",
     "coreldove requires status for a create, and this lead has none", "bizoholic"},
    {"order_created",
     "{\"id\":\"@\",\"amount\":1,\"status\":\"new\",\"items\":[{\"sku\":\"a\",\"price\":\"much\"}]}",
     "coreldove", "items.price is not a number, so it is no amount", NULL},
    {"order_created",
     "{\"id\":\"@\",\"amount\":1,\"status\":\"new\",\"items\":[{\"sku\":\"a\",\"total\":1e30}]}", "coreldove",
     "items.total cannot be given in INR: it is too large", "bizoholic"},
    {"order_created",
     "{\"id\":\"@\",\"amount\":1,\"status\":\"new\",\"items\":[{\"sku\":\"a\",\"price\":1,\"currency\":"
     "\"ABC\"}]}",
     "coreldove",
     "items.price cannot be given in INR: it is in ABC, and no platform file has a rate for that", NULL},
};

static const struct json *result_of(const struct json *event_json, const char *target)
{
    const struct json *results = pick(event_json, "/results");

    for (size_t i = 0; i < json_count(results); i++)
        if (strcmp(pick_text(json_at(results, i), "/target_platform"), target) == 0)
            return json_at(results, i);
    ck_abort_msg("no result for %s in %s", target, pick_print(event_json));
}

START_TEST(what_one_target_cannot_be_given_fails_there_with_the_field_named_and_the_others_go_on)
{
    for (size_t i = 0; i < COUNT(impossible); i++) {
        const char *id = new_id(), *template = impossible[i].data;
        const char *at = strstr(template, "@");
        const char *data = api_text("%.*s%s%s", (int)(at - template), template, id, at + 1);
        const char *event_id = post(event(impossible[i].type, "bizosaas", BOTH, data));
        api_await(event_id, "failed"); /* one target is; the other may be on its way still */
        flow_wait(
            strcmp(pick_text(result_of(api_look(event_id), impossible[i].fails), "/status"), "failed") == 0,
            10);
        pick_check(result_of(api_look(event_id), impossible[i].fails), "/error_message",
                   impossible[i].sentence);
        ck_assert_str_eq(sql_text("SELECT error FROM deliveries WHERE event_id = '%s' AND target = '%s'",
                                  event_id, impossible[i].fails),
                         impossible[i].sentence);
        if (impossible[i].goes_on) {
            flow_wait(strcmp(pick_text(result_of(api_look(event_id), impossible[i].goes_on), "/status"),
                             "completed") == 0,
                      10);
            fake_await(impossible[i].goes_on, "/body/event_id", event_id);
        }
        ck_assert_uint_eq(fake_count(impossible[i].fails, 0, "/body/event_id", event_id), 0);
    }
}
END_TEST

START_TEST(what_failed_goes_out_once_the_record_is_mended)
{
    const char *id = new_id();
    const char *first =
        post(event("product_created", "bizosaas", "\"coreldove\"",
                   api_text("{\"id\":\"%s\",\"name\":\"L\",\"price\":5,\"currency\":\"XXX\"}", id)));

    api_await(first, "failed");
    const char *second = post(event("product_updated", "bizosaas", "\"coreldove\"",
                                    api_text("{\"id\":\"%s\",\"price\":6,\"currency\":\"USD\"}", id)));
    const struct json *got = fake_await("coreldove", "/body/event_id", second);
    pick_check(got, "/body/data/product_price", "498.00");
    pick_check(got, "/body/data/product_name", "L");
    pick_check(got, "/body/data/currency", "INR");
}
END_TEST

/* ── wrong types ── */

static const struct {
    const char *type, *member, *value;
} wrong[] = {
    {"user", "name", "7"},
    {"user", "email", "{}"},
    {"user", "email", "\"a b@example.com\""},
    {"user", "phone", "[]"},
    {"user", "status", "5"},
    {"user", "status", "\"\""},
    {"lead", "score", "\"high\""},
    {"lead", "status", "[]"},
    {"lead", "email", "\"@\""},
    {"campaign", "budget", "true"},
    {"campaign", "name", "{}"},
    {"campaign", "budget", "\"a lot\""},
    {"product", "inventory", "\"many\""},
    {"product", "variants", "{}"},
    {"product", "name", "[]"},
    {"order", "items", "\"x\""},
    {"order", "amount", "[]"},
    {"order", "currency", "\"rupees\""},
    {"order", "currency", "5"},
    {"order", "id", "1.5"},
    {"order", "id", "true"},
};

START_TEST(a_value_of_the_wrong_type_is_refused_with_a_pointer)
{
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const char *id = strcmp(wrong[i].member, "id") == 0 ? "" : "\"id\":\"w\",";
        const struct api_answer *answer =
            api_post("/sync/events", event(api_text("%s_created", wrong[i].type), "bizosaas", BOTH,
                                           api_text("{%s\"%s\":%s}", id, wrong[i].member, wrong[i].value)));
        ck_assert_msg(answer->status == 422, "%s %s: %d %s", wrong[i].member, wrong[i].value, answer->status,
                      answer->body);
        pick_check(answer->json, "/errors/0/pointer", api_text("/data/%s", wrong[i].member));
    }
}
END_TEST

/* Answers that show it are deeper than our own reader goes: the last claim, and judged by the tables. */
START_TEST(the_deepest_value_that_is_taken_arrives)
{
    struct buf value = BUF_INIT;

    for (int i = 0; i < 62; i++) /* data and the body are two more */
        buf_add_str(&value, i % 2 ? "[" : "{\"a\":");
    buf_add_str(&value, "1");
    for (int i = 61; i >= 0; i--)
        buf_add_str(&value, i % 2 ? "]" : "}");
    const char *data = api_text("{\"id\":\"%s\",\"email\":\"o@example.com\",\"status\":\"new\",\"odd\":%s}",
                                new_id(), value.data);
    const char *id = post(event("lead_created", "bizosaas", BOTH, data));
    flow_wait(sql_int("SELECT count(*) FROM deliveries WHERE event_id = '%s' AND state = 2", id) == 2, 10);
    buf_release(&value);
}
END_TEST

int main(void)
{
    return flow_run("odd_values", NULL,
                    (const TTest *[]){
                        odd_values_arrive_as_they_were_sent, odd_values_of_operational_data_arrive_too,
                        an_odd_value_that_did_not_change_is_not_sent_again, a_note_of_100_kb_arrives_whole,
                        odd_ids_name_their_record,
                        an_amount_arrives_in_the_platforms_currency_or_is_refused_with_a_pointer,
                        what_one_target_cannot_be_given_fails_there_with_the_field_named_and_the_others_go_on,
                        what_failed_goes_out_once_the_record_is_mended,
                        a_value_of_the_wrong_type_is_refused_with_a_pointer,
                        the_deepest_value_that_is_taken_arrives, NULL});
}
