/* test_mapping_value.c: values that come back, and records that travel until nothing changes. */
#include "mapping_fixture.h"
#include "mem.h"

static const struct {
    const char *platform;
    enum entity entity;
    const char *field, *held, *note, *incoming;
    bool unchanged;
} returned[] = {
    {"bizosaas", ENTITY_PRODUCT, "price", "1.00", "{\"c\":\"INR\"}", "0.01", true},
    {"bizosaas", ENTITY_PRODUCT, "price", "1.00", "{\"o\":\"coreldove\"}", "0.01", true},
    {"bizosaas", ENTITY_PRODUCT, "price", "1.00", "{\"c\":\"INR\"}", "0.02", false},
    {"bizosaas", ENTITY_PRODUCT, "price", "1.00", "{\"c\":\"INR\"}", "1.00", false},
    {"coreldove", ENTITY_PRODUCT, "price", "1.00", "{\"c\":\"INR\"}", "1", true},
    {"coreldove", ENTITY_PRODUCT, "price", "0.01", "{\"c\":\"USD\"}", "0.83", true},
    {"coreldove", ENTITY_PRODUCT, "price", "0.01", "{\"c\":\"USD\"}", "1.00", false},
    {"coreldove", ENTITY_PRODUCT, "price", "10", "{\"c\":\"EUR\"}", "10", false},
    {"coreldove", ENTITY_PRODUCT, "price", "10", NULL, "10", false},
    {"coreldove", ENTITY_ORDER, "items", "[{\"sku\":\"a\",\"price\":1}]", "{\"c\":\"USD\"}",
     "[{\"sku\":\"a\",\"price\":83}]", true},
    {"coreldove", ENTITY_ORDER, "items", "[{\"sku\":\"a\",\"price\":1}]", "{\"c\":\"USD\"}",
     "[{\"sku\":\"a\",\"price\":84}]", false},
    {"coreldove", ENTITY_ORDER, "currency", "\"USD\"", NULL, "\"INR\"", true},
    {"coreldove", ENTITY_USER, "status", "\"draft\"", "{}", "\"inactive\"", true},
    {"coreldove", ENTITY_USER, "status", "\"active\"", "{}", "\"inactive\"", false},
    {"coreldove", ENTITY_LEAD, "status", "\"draft\"", "{}", "\"inactive\"", false},
    {"coreldove", ENTITY_USER, "id", "5", "{}", "\"5\"", true},
    {"coreldove", ENTITY_USER, "id", "5", "{}", "\"6\"", false},
    {"coreldove", ENTITY_USER, "age", "5", "{}", "\"5\"", false},
    {"coreldove", ENTITY_USER, "age", "5.0", "{}", "5", true},
    {"coreldove", ENTITY_USER, "tags", "{\"a\":1,\"b\":[2]}", "{}", "{\"b\":[2],\"a\":1}", true},
    {"bizoholic", ENTITY_LEAD, "status", NULL, NULL, "\"new\"", true},
    {"bizoholic", ENTITY_LEAD, "status", NULL, NULL, "\"won\"", false},
    {"bizoholic", ENTITY_LEAD, "status", NULL, "{\"o\":\"bizosaas\"}", "\"new\"", false},
    {"bizosaas", ENTITY_LEAD, "status", NULL, NULL, "\"new\"", false},
    {"bizosaas", ENTITY_LEAD, "name", NULL, NULL, NULL, true},
    {"bizosaas", ENTITY_LEAD, "name", "\"A\"", "{}", NULL, false},
    {"bizosaas", ENTITY_NONE, "x", "1", NULL, "1.0", true},
    {"bizosaas", ENTITY_NONE, "x", "1", NULL, "2", false},
};

START_TEST(a_value_is_unchanged_when_it_is_what_the_platform_was_sent)
{
    struct json *held = mapping_parse(returned[_i].held), *note = mapping_parse(returned[_i].note),
                *incoming = mapping_parse(returned[_i].incoming);
    ck_assert_int_eq(mapping_unchanged(mapping_platform(returned[_i].platform), returned[_i].entity,
                                       returned[_i].field, held, note, incoming),
                     returned[_i].unchanged);
    json_free(held), json_free(note), json_free(incoming);
}
END_TEST

/* ---- stability ---- */

static uint64_t random_state;

static unsigned below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % limit;
}

static struct json *random_value(unsigned depth)
{
    static const char *const texts[] = {"active",         "inactive", "pending", "published", "draft",
                                        "pending_review", "",         "USD",     "5"};
    struct buf number = BUF_INIT;
    struct json *json;
    switch (below(depth > 2 ? 4 : 6)) {
    case 0:
        return NULL;
    case 1:
        return json_new_bool(below(2));
    case 2:
        return json_new_text(texts[below(COUNT(texts))]);
    case 3:
        buf_addf(&number, "%u.%u", below(100000), below(1000));
        json = json_new_number(number.data);
        buf_release(&number);
        return json;
    case 4:
        json = json_new_array();
        for (unsigned i = below(4); i > 0; i--)
            json_append(json, random_value(depth + 1));
        return json;
    default:
        json = json_new_object();
        json_set(json, "sku", random_value(3));
        json_set(json, "price", json_new_int((int64_t)below(1000)));
        return json;
    }
}

static struct json *random_amount(void)
{
    struct buf number = BUF_INIT;
    buf_addf(&number, "%s%u.%03u", below(9) == 0 ? "-" : "", below(3) == 0 ? below(3) : below(1000000),
             below(1000));
    struct json *json = below(4) == 0 ? json_new_text(number.data) : json_new_number(number.data);
    buf_release(&number);
    return json;
}

static struct json *random_record(void)
{
    static const char *const fields[] = {
        "name",    "email",       "status",       "phone",       "inventory",   "score",
        "items",   "variants",    "total_amount", "stock",       "order_total", "product_price",
        "user_id", "customer_id", "order_status", "lead_status", "price_inr",   "x",
        "y",       "full_name",   "order_items",
    };
    static const char *const money[] = {"price", "amount", "total", "budget"};
    struct json *record = json_new_object();
    json_set(record, "id", json_new_int((int64_t)below(1000)));
    for (int i = 0; i < COUNT(fields); i++) {
        if (below(3) == 0)
            json_set(record, fields[i], random_value(0));
    }
    for (int i = 0; i < COUNT(money); i++) {
        if (below(2) == 0)
            json_set(record, money[i], random_amount());
    }
    if (below(4) == 0)
        json_set(record, "currency", json_new_text(below(2) ? "USD" : "INR"));
    return record;
}

/* To the target and back in common names; NULL when it could not be sent. */
static struct json *one_way(const char *source, const char *target, enum entity entity, struct json *record)
{
    struct mapping_trip trip = {source, target, entity, VERB_UPDATE};
    struct buf error = BUF_INIT;
    struct json *out = mapping_send(&trip, record, NULL, NULL, &error);
    struct json *back = out != NULL ? mapping_in(mapping_platform(target), entity, out) : NULL;
    json_free(out), json_free(record);
    buf_release(&error);
    return back;
}

/* Money in a currency that is not the source's own is first converted on the way back, so it settles one trip later. */
static bool is_foreign(const char *source, const struct json *record)
{
    const char *currency = json_get_text(record, "currency");
    return currency != NULL && strcmp(currency, platform_currency(mapping_platform(source))) != 0;
}

#define TRIPS 4

static void check_stable(const char *a, const char *b, enum entity entity, uint64_t seed, unsigned *arrived)
{
    random_state = seed;
    struct json *raw = random_record();
    struct json *record = mapping_in(mapping_platform(a), entity, raw);
    struct buf texts[TRIPS] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
    int settled = is_foreign(a, record) ? 1 : 0;
    json_free(raw);
    for (int trip = 0; trip < TRIPS; trip++) {
        record = record != NULL ? one_way(a, b, entity, record) : NULL;
        record = record != NULL ? one_way(b, a, entity, record) : NULL;
        ck_assert_msg(record != NULL || trip == 0, "%s %s seed %llu: went once and not again", a, b,
                      (unsigned long long)seed);
        if (record == NULL)
            break;
        json_write(&texts[trip], record);
        if (trip > settled)
            ck_assert_str_eq(texts[trip].data, texts[settled].data);
    }
    *arrived += record != NULL;
    json_free(record);
    for (int trip = 0; trip < TRIPS; trip++)
        buf_release(&texts[trip]);
}

START_TEST(from_the_second_trip_on_nothing_changes_any_more)
{
    unsigned arrived = 0;
    for (size_t a = 0; a < platform_count(mapping_set); a++) {
        for (size_t b = 0; b < platform_count(mapping_set); b++) {
            for (uint64_t seed = 0; seed < 150; seed++)
                check_stable(platform_name(platform_at(mapping_set, a)),
                             platform_name(platform_at(mapping_set, b)), (enum entity)_i, seed, &arrived);
        }
    }
    ck_assert_uint_gt(arrived, 1000);
}
END_TEST

/* A stronger form, field by field: what a platform sends back right after it got it is unchanged. */
START_TEST(nothing_that_was_just_sent_counts_as_a_change)
{
    unsigned sent_records = 0;
    for (uint64_t seed = 0; seed < 500; seed++) {
        random_state = seed;
        struct mapping_trip trip = {platform_name(platform_at(mapping_set, seed % 3)),
                                    platform_name(platform_at(mapping_set, seed / 3 % 3)), (enum entity)_i,
                                    VERB_UPDATE};
        struct json *raw = random_record(),
                    *record = mapping_in(mapping_platform(trip.source), trip.entity, raw);
        struct json *notes = mapping_notes(mapping_platform(trip.source), record);
        struct buf error = BUF_INIT;
        struct json *out = mapping_send(&trip, record, NULL, NULL, &error);
        struct json *back = out != NULL ? mapping_in(mapping_platform(trip.target), trip.entity, out) : NULL;
        struct json_iter iter = {NULL};
        const char *field;
        struct json *value;
        sent_records += out != NULL;
        while (back != NULL && json_next(back, &iter, &field, &value)) {
            struct json *held;
            if (json_find(record, field, &held))
                ck_assert_msg(mapping_unchanged(mapping_platform(trip.target), trip.entity, field, held,
                                                json_get(notes, field), value),
                              "seed %llu: %s from %s to %s", (unsigned long long)seed, field, trip.source,
                              trip.target);
        }
        json_free(raw), json_free(record), json_free(notes), json_free(out), json_free(back);
        buf_release(&error);
    }
    ck_assert_uint_gt(sent_records, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mapping_value");
    TCase *tests = tcase_create("mapping_value");
    tcase_add_checked_fixture(tests, mapping_load, mapping_unload);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_value_is_unchanged_when_it_is_what_the_platform_was_sent, 0,
                        COUNT(returned));
    tcase_add_loop_test(tests, from_the_second_trip_on_nothing_changes_any_more, 0, ENTITY_NONE);
    tcase_add_loop_test(tests, nothing_that_was_just_sent_counts_as_a_change, 0, ENTITY_NONE);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
