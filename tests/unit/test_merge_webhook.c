/* test_merge_webhook.c: webhooks tell the whole object, of every change, in any order. */
#include <check.h>

#include "merge.h"

#include "merge_fixture.h"

/* A webhook of the shop; recent: JSON list of what it may have had. */
static bool told(int64_t seq, int64_t issued_ms, const char *recent, const char *data)
{
    struct json *json = mapping_parse(data), *earlier = mapping_parse(recent);
    struct change change = {.source = mapping_platform("coreldove"),
                            .entity = ENTITY_USER,
                            .verb = VERB_UPDATE,
                            .entity_id = "u1",
                            .seq = seq,
                            .time_ms = T0 + seq * 100000,
                            .data = json,
                            .webhook = true,
                            .issued_ms = issued_ms,
                            .recent = earlier};
    struct merge merge;

    merge_init(&merge);
    merge_apply(&record, &change, &merge);
    bool advanced = merge.advanced;
    ck_assert_uint_eq(json_count(merge.contested), 0);
    merge_release(&merge);
    json_free(json);
    json_free(earlier);
    return advanced;
}

static void changed(const char *platform, int64_t seq, enum verb verb, const char *data)
{
    struct merge merge;
    apply(&record, &(struct step){platform, verb, seq, seq * 100000, data, 0}, &merge);
    merge_release(&merge);
}

static void holds(const char *field, const char *value)
{
    ck_assert_str_eq(json_get_text(record.data, field), value);
}

START_TEST(what_the_platform_had_before_anothers_change_is_stale)
{
    begin();
    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\",\"email\":\"a@b.cd\"}");
    changed("bizosaas", 2, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"B\"}");
    ck_assert(!told(3, T0, "[{\"name\":\"A\"}]", "{\"id\":\"u1\",\"name\":\"A\",\"email\":\"a@b.cd\"}"));
    holds("name", "B");
    ck_assert(told(4, T0, "[{\"name\":\"A\"}]", "{\"id\":\"u1\",\"name\":\"A\",\"email\":\"new@b.cd\"}"));
    holds("name", "B");
    holds("email", "new@b.cd");
    end();
}
END_TEST

START_TEST(what_the_platform_never_had_is_its_own_change)
{
    begin();
    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    changed("bizosaas", 2, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"B\"}");
    ck_assert(told(3, T0, "[{\"name\":\"A\"}]", "{\"id\":\"u1\",\"name\":\"C\"}"));
    holds("name", "C");
    ck_assert(told(4, T0 + 1, "[{\"name\":\"A\"},{\"name\":\"C\"}]", "{\"id\":\"u1\",\"name\":\"A\"}"));
    holds("name", "A"); /* its own field: it may well take it back */
    end();
}
END_TEST

START_TEST(what_was_deleted_stays_so_whatever_the_shop_still_tells_of_it)
{
    begin();
    changed("bizosaas", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\",\"status\":\"active\"}");
    changed("bizosaas", 2, VERB_DELETE, "{\"id\":\"u1\"}");
    ck_assert(!told(3, T0 + 300000, "[]", "{\"id\":\"u1\",\"name\":\"A\",\"status\":\"cancelled\"}"));
    ck_assert(record.deleted);
    holds("status", "active");
    end();
}
END_TEST

START_TEST(of_two_webhooks_the_later_issued_counts_whichever_comes_first)
{
    begin();
    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(told(2, T0 + 9000, "[]", "{\"id\":\"u1\",\"name\":\"C\"}"));
    ck_assert(!told(3, T0 + 5000, "[]", "{\"id\":\"u1\",\"name\":\"B\"}"));
    holds("name", "C");
    ck_assert(told(4, T0 + 9000, "[]", "{\"id\":\"u1\",\"name\":\"D\"}")); /* at once: the order of arrival */
    holds("name", "D");
    end();
}
END_TEST

START_TEST(what_is_no_webhook_goes_by_the_order_of_arrival)
{
    begin();
    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(told(2, T0 + 9000, "[]", "{\"id\":\"u1\",\"name\":\"C\"}"));
    changed("coreldove", 3, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    holds("name", "A");
    end();
}
END_TEST

START_TEST(deleting_what_is_deleted_is_no_new_version_and_still_counts)
{
    begin();
    changed("bizosaas", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    changed("bizosaas", 2, VERB_DELETE, "{\"id\":\"u1\"}");
    ck_assert_int_eq(record.version, 2);
    changed("coreldove", 5, VERB_DELETE, "{\"id\":\"u1\"}");
    ck_assert_int_eq(record.version, 2);
    changed("bizoholic", 4, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(record.deleted); /* made between the two */
    changed("bizoholic", 6, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(!record.deleted);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge_webhook");
    TCase *tests = tcase_create("merge_webhook");
    tcase_add_test(tests, what_the_platform_had_before_anothers_change_is_stale);
    tcase_add_test(tests, what_the_platform_never_had_is_its_own_change);
    tcase_add_test(tests, what_was_deleted_stays_so_whatever_the_shop_still_tells_of_it);
    tcase_add_test(tests, of_two_webhooks_the_later_issued_counts_whichever_comes_first);
    tcase_add_test(tests, what_is_no_webhook_goes_by_the_order_of_arrival);
    tcase_add_test(tests, deleting_what_is_deleted_is_no_new_version_and_still_counts);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
