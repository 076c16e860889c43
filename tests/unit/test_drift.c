/* test_drift.c: what agrees with a record, and hashes that tell it without reading. */
#include "digest.h"
#include "drift.h"
#include "mapping_fixture.h"
#include "mem.h"

/* ---- hashes ---- */

static const uint8_t key[DRIFT_KEY_LEN] = "0123456789abcdef0123456789abcde";

static uint64_t content_of(const char *text)
{
    struct json *json = mapping_parse(text);
    uint64_t content = drift_content(key, json);

    json_free(json);
    return content;
}

START_TEST(content_is_of_names_and_values_and_of_nothing_else)
{
    static const char a[] = "{\"email\":\"a@x.y\",\"name\":\"A\",\"n\":null}";

    ck_assert_uint_eq(content_of(a), content_of("{\"n\":null,\"name\":\"A\",\"email\":\"a@x.y\"}"));
    ck_assert_uint_eq(content_of(a),
                      content_of("{\"n\":null,\"name\":\"A\",\"email\":\"a@x.y\",\"_sync_metadata\":{},"
                                 "\"updated_at\":\"x\",\"created_at\":1}"));
    ck_assert_uint_ne(content_of(a), content_of("{\"n\":null,\"name\":\"B\",\"email\":\"a@x.y\"}"));
    ck_assert_uint_ne(content_of(a), content_of("{\"name\":\"A\",\"email\":\"a@x.y\"}"));
    ck_assert_uint_ne(content_of("{\"ab\":\"c\"}"), content_of("{\"a\":\"bc\"}"));
}
END_TEST

START_TEST(content_depends_on_the_databases_key)
{
    static const uint8_t other[DRIFT_KEY_LEN] = "another";
    struct json *json = mapping_parse("{\"email\":\"a@x.y\"}");

    ck_assert_uint_ne(drift_content(key, json), drift_content(other, json));
    json_free(json);
}
END_TEST

static struct uuid id_of(unsigned n)
{
    struct uuid id;
    char text[16];

    snprintf(text, sizeof text, "u%u", n);
    digest_record_id(&id, "t", "user", text);
    return id;
}

START_TEST(the_hash_is_of_id_version_and_content)
{
    struct uuid one = id_of(1), two = id_of(2);
    uint64_t hash = drift_hash(&one, 3, 7);

    ck_assert_uint_eq(hash, drift_hash(&one, 3, 7));
    ck_assert_uint_ne(hash, drift_hash(&two, 3, 7));
    ck_assert_uint_ne(hash, drift_hash(&one, 4, 7));
    ck_assert_uint_ne(hash, drift_hash(&one, 3, 8));
}
END_TEST

/* The documented format: rows have it. */
START_TEST(the_format_stays)
{
    struct uuid id = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
    struct drift_sums sums = {0};
    uint8_t bytes[DRIFT_SUMS_LEN];

    ck_assert_uint_eq(content_of("{\"b\":1,\"a\":\"x\"}"), UINT64_C(0x35212b77c085b095));
    ck_assert_uint_eq(drift_hash(&id, 1, 2), UINT64_C(0xb6b6d5f352888e86));
    ck_assert_uint_eq(drift_bucket(&id), 15);
    drift_add(&sums, &id, 0x1122334455667788);
    drift_write(&sums, bytes);
    ck_assert_mem_eq(bytes + 15 * 20, "\0\0\0\1\10\11\12\13\14\15\16\17\x11\x22\x33\x44\x55\x66\x77\x88", 20);
}
END_TEST

#define MANY 1000

static void add_all(struct drift_sums *sums, unsigned first, int step, int without)
{
    memset(sums, 0, sizeof *sums);
    for (int i = 0; i < MANY; i++) {
        unsigned n = (unsigned)((int)first + i * step);
        struct uuid id = id_of(n);
        if ((int)n != without)
            drift_add(sums, &id, drift_hash(&id, 1, n));
    }
}

static unsigned count(const struct drift_sums *should, const struct drift_sums *is,
                      bool (*test)(const struct drift_sums *, const struct drift_sums *, unsigned))
{
    unsigned found = 0;

    for (unsigned i = 0; i < DRIFT_BUCKETS; i++)
        found += test(should, is, i);
    return found;
}

START_TEST(one_record_less_or_another_content_shows_in_one_bucket_whatever_the_order)
{
    struct drift_sums should, is;
    struct uuid id = id_of(500);

    add_all(&should, 0, 1, -1);
    add_all(&is, MANY - 1, -1, -1);
    ck_assert_uint_eq(count(&should, &is, drift_differs), 0);
    add_all(&is, MANY - 1, -1, 500);
    ck_assert_uint_eq(count(&should, &is, drift_lacks), 1);
    ck_assert(drift_lacks(&should, &is, drift_bucket(&id)));
    drift_add(&is, &id, drift_hash(&id, 1, 501)); /* there, and altered */
    ck_assert_uint_eq(count(&should, &is, drift_lacks), 0);
    ck_assert(drift_differs(&should, &is, drift_bucket(&id)));
    ck_assert_uint_eq(count(&should, &is, drift_differs), 1);
}
END_TEST

START_TEST(sums_are_read_as_they_were_written)
{
    struct drift_sums sums, again;
    uint8_t bytes[DRIFT_SUMS_LEN];

    add_all(&sums, 0, 1, -1);
    drift_write(&sums, bytes);
    ck_assert_int_eq(drift_read(&again, bytes, sizeof bytes), 0);
    ck_assert_uint_eq(count(&sums, &again, drift_differs), 0);
    ck_assert_int_eq(drift_read(&again, bytes, sizeof bytes - 1), -1);
    ck_assert_int_eq(drift_read(&again, NULL, 0), -1);
}
END_TEST

/* ---- the comparison ---- */

static const struct {
    const char *platform;
    enum entity entity;
    const char *source; /* of the record, for the currency of its money */
    const char *record, *shown;
    const char *fields; /* that differ; "" none; NULL: it cannot be told there */
} compared[] = {
    {"bizoholic", ENTITY_USER, "bizosaas", "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A\"}",
     "{\"user_id\":\"1\",\"email_address\":\"a@x.y\",\"full_name\":\"A\"}", ""},
    {"bizoholic", ENTITY_USER, "bizosaas", "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A\"}",
     "{\"user_id\":\"other\",\"email_address\":\"a@x.y\",\"full_name\":\"A\",\"login\":7,\"updated_at\":"
     "\"now\"}",
     ""},
    {"bizoholic", ENTITY_USER, "bizosaas",
     "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A\",\"phone\":\"+1\"}",
     "{\"user_id\":\"1\",\"email_address\":\"b@x.y\",\"full_name\":\"A\"}", "email,phone"},
    {"bizoholic", ENTITY_USER, "bizosaas",
     "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A\",\"phone\":null,\"x\":\"\"}",
     "{\"user_id\":\"1\",\"email_address\":\"a@x.y\",\"full_name\":\"A\",\"x\":null}", ""},
    {"bizoholic", ENTITY_USER, "bizosaas", "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A\",\"phone\":null}",
     "{\"user_id\":\"1\",\"email_address\":\"a@x.y\",\"full_name\":\"A\",\"phone_number\":\"+1\"}", "phone"},
    {"bizoholic", ENTITY_USER, "bizosaas",
     "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A\",\"updated_at\":\"2026-01-01T00:00:00Z\",\"_x\":1}",
     "{\"user_id\":\"1\",\"email_address\":\"a@x.y\",\"full_name\":\"A\"}", ""},
    {"bizoholic", ENTITY_USER, "bizosaas", "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A\",\"a,b\":1}",
     "{\"user_id\":\"1\",\"email_address\":\"a@x.y\",\"full_name\":\"A\",\"a,b\":2}", "*"},
    {"coreldove", ENTITY_USER, "bizosaas",
     "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A\",\"status\":\"active\"}",
     "{\"customer_id\":\"1\",\"customer_email\":\"a@x.y\",\"customer_name\":\"A\",\"status\":\"published\"}",
     ""},
    {"bizosaas", ENTITY_PRODUCT, "coreldove", "{\"id\":\"1\",\"name\":\"P\",\"price\":1.00}",
     "{\"id\":\"1\",\"name\":\"P\",\"price\":0.01}", ""},
    {"bizosaas", ENTITY_PRODUCT, "coreldove", "{\"id\":\"1\",\"name\":\"P\",\"price\":1.00}",
     "{\"id\":\"1\",\"name\":\"P\",\"price\":1.00}", "price"},
    {"coreldove", ENTITY_PRODUCT, "coreldove", "{\"id\":\"1\",\"name\":\"P\",\"price\":1}",
     "{\"product_id\":\"1\",\"product_name\":\"P\",\"product_price\":\"1.00\",\"price_inr\":1,\"variants\":[]"
     "}",
     ""},
    {"bizosaas", ENTITY_PRODUCT, "coreldove", "{\"id\":\"1\",\"name\":\"P\",\"price\":\"cheap\"}",
     "{\"id\":\"1\"}", NULL},
    /* by GraphQL */
    {"saleor", ENTITY_USER, "bizosaas",
     "{\"id\":\"1\",\"email\":\"A@x.y\",\"name\":\"A  "
     "B\",\"phone\":\"+1\",\"preferences\":{},\"status\":\"pending\"}",
     "{\"email\":\"a@x.y\",\"name\":\"A B\",\"status\":\"active\"}", ""},
    {"saleor", ENTITY_USER, "bizosaas",
     "{\"id\":\"1\",\"email\":\"a@x.y\",\"name\":\"A B\",\"status\":\"inactive\"}",
     "{\"email\":\"a@x.y\",\"name\":\"A C\",\"status\":\"active\"}", "name,status"},
    {"saleor", ENTITY_PRODUCT, "coreldove", "{\"id\":\"1\",\"name\":\"P\",\"price\":5,\"inventory\":2}",
     "{\"id\":\"UHJvZHVjdDox\",\"name\":\"P\",\"inventory\":2}", "price"},
    {"saleor", ENTITY_ORDER, "coreldove", "{\"id\":\"1\",\"amount\":5,\"status\":\"shipped\"}",
     "{\"id\":\"T3JkZXI6MQ==\",\"amount\":6,\"status\":\"cancelled\"}", "status"},
};

static struct platform_set *shop_set;

static const char *shop_variable(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "SALEOR_API_URL") == 0 ? "http://127.0.0.1:1" : NULL;
}

static void load(void)
{
    struct buf errors = BUF_INIT;

    mapping_load();
    shop_set = platform_set_load("config/platforms", shop_variable, NULL, &errors);
    ck_assert_msg(shop_set != NULL, "%s", errors.data);
    buf_release(&errors);
}

static void unload(void)
{
    platform_set_free(&shop_set);
    mapping_unload();
}

START_TEST(what_agrees_and_what_differs)
{
    bool shop = strcmp(compared[_i].platform, "saleor") == 0;
    const struct platform_set *set = shop ? shop_set : mapping_set;
    const struct platform *platform = platform_find(set, shop ? "coreldove" : compared[_i].platform);
    struct json *data = mapping_parse(compared[_i].record), *raw = mapping_parse(compared[_i].shown);
    struct json *shown = mapping_in(platform, compared[_i].entity, raw);
    struct json *notes = mapping_notes(platform_find(set, compared[_i].source), data);
    struct drift_record record = {platform, set, compared[_i].entity, data, notes, shown};
    struct buf fields = BUF_INIT;
    enum drift_verdict verdict = drift_compare(&record, &fields);

    if (compared[_i].fields)
        ck_assert_str_eq(fields.len ? fields.data : "", compared[_i].fields);
    ck_assert_int_eq(verdict, !compared[_i].fields   ? DRIFT_IMPOSSIBLE
                              : *compared[_i].fields ? DRIFT_DIFFERS
                                                     : DRIFT_AGREES);
    buf_release(&fields);
    json_free(data), json_free(raw), json_free(shown), json_free(notes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drift");
    TCase *hashes = tcase_create("hashes"), *tests = tcase_create("comparison");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, hashes);
    suite_add_tcase(suite, tests);
    tcase_add_test(hashes, content_is_of_names_and_values_and_of_nothing_else);
    tcase_add_test(hashes, content_depends_on_the_databases_key);
    tcase_add_test(hashes, the_hash_is_of_id_version_and_content);
    tcase_add_test(hashes, the_format_stays);
    tcase_add_test(hashes, one_record_less_or_another_content_shows_in_one_bucket_whatever_the_order);
    tcase_add_test(hashes, sums_are_read_as_they_were_written);
    tcase_add_checked_fixture(tests, load, unload);
    tcase_add_loop_test(tests, what_agrees_and_what_differs, 0, COUNT(compared));
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
