/* test_merge_webhook.c: webhooks tell the whole object, of every change, in any order. */
#include "merge.h"
#include "merge_world_fixture.h"

static struct world world;
#define record world.record

static void begin(void)
{
    mapping_load();
    world_init(&world);
}

static void end(void)
{
    world_release(&world);
    mapping_unload();
}

/* A webhook of the shop, which had acknowledged `base` by then. */
static bool told(int64_t seq, int64_t issued_ms, int64_t base, const char *data)
{
    struct json *json = mapping_parse(data);
    struct change change = {.source = mapping_platform("coreldove"),
                            .entity = ENTITY_USER,
                            .verb = VERB_UPDATE,
                            .entity_id = "u1",
                            .event_id = "webhook",
                            .seq = seq,
                            .time_ms = T0 + seq * 100000,
                            .base_version = base,
                            .data = json,
                            .webhook = true,
                            .issued_ms = issued_ms};
    struct merge merge;

    world_change(&world, &change, &merge);
    bool advanced = merge.advanced;
    ck_assert_uint_eq(json_count(merge.contested), 0);
    merge_release(&merge);
    json_free(json);
    return advanced;
}

static void changed(const char *platform, int64_t seq, enum verb verb, const char *data)
{
    world_step(&world, (struct step){platform, verb, seq, seq * 100000, data, record.version});
}

static void holds(const char *field, const char *value)
{
    ck_assert_str_eq(json_get_text(record.data, field), value);
}

START_TEST(what_the_platform_had_before_anothers_change_is_stale)
{
    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\",\"email\":\"a@b.cd\"}");
    changed("bizosaas", 2, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"B\"}");
    ck_assert(!told(3, T0, 1, "{\"id\":\"u1\",\"name\":\"A\",\"email\":\"a@b.cd\"}"));
    holds("name", "B");
    ck_assert(told(4, T0, 1, "{\"id\":\"u1\",\"name\":\"A\",\"email\":\"new@b.cd\"}"));
    holds("name", "B");
    holds("email", "new@b.cd");
}
END_TEST

START_TEST(what_it_was_handed_since_is_an_echo_and_an_older_one_is_told)
{
    struct json *data = mapping_parse("{\"id\":\"u1\",\"name\":\"B\"}");
    struct change change = {.source = mapping_platform("coreldove"),
                            .entity = ENTITY_USER,
                            .verb = VERB_UPDATE,
                            .entity_id = "u1",
                            .event_id = "webhook",
                            .seq = 9,
                            .time_ms = T0,
                            .base_version = 1,
                            .data = data,
                            .webhook = true};
    struct merge merge;

    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    changed("bizosaas", 2, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"B\"}");
    changed("bizosaas", 3, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"C\"}");
    world.versions[1].echoes = world.versions[2].echoes = true;
    world_change(&world, &change, &merge);
    ck_assert(!merge.advanced);
    mapping_check_equal(merge.stale, "[\"name\"]", "the latest is asserted again");
    merge_release(&merge);
    json_free(data);
    holds("name", "C");
}
END_TEST

START_TEST(what_the_platform_never_had_is_its_own_change)
{
    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    changed("bizosaas", 2, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"B\"}");
    ck_assert(told(3, T0, 2, "{\"id\":\"u1\",\"name\":\"C\"}"));
    holds("name", "C");
    ck_assert(told(4, T0 + 1, 2, "{\"id\":\"u1\",\"name\":\"A\"}"));
    holds("name", "A"); /* its own field: it may well take it back */
}
END_TEST

START_TEST(what_was_deleted_stays_so_whatever_the_shop_still_tells_of_it)
{
    changed("bizosaas", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\",\"status\":\"active\"}");
    changed("bizosaas", 2, VERB_DELETE, "{\"id\":\"u1\"}");
    ck_assert(!told(3, T0 + 300000, 1, "{\"id\":\"u1\",\"name\":\"A\",\"status\":\"cancelled\"}"));
    ck_assert(record.deleted);
    holds("status", "active");
}
END_TEST

START_TEST(of_two_webhooks_the_later_issued_counts_whichever_comes_first)
{
    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(told(2, T0 + 9000, 0, "{\"id\":\"u1\",\"name\":\"C\"}"));
    ck_assert(!told(3, T0 + 5000, 0, "{\"id\":\"u1\",\"name\":\"B\"}"));
    holds("name", "C");
    ck_assert(told(4, T0 + 9000, 0, "{\"id\":\"u1\",\"name\":\"D\"}")); /* at once: the order of arrival */
    holds("name", "D");
}
END_TEST

START_TEST(what_is_no_webhook_goes_by_the_order_of_arrival)
{
    changed("coreldove", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(told(2, T0 + 9000, 0, "{\"id\":\"u1\",\"name\":\"C\"}"));
    changed("coreldove", 3, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    holds("name", "A");
}
END_TEST

START_TEST(deleting_what_is_deleted_is_no_new_version_and_still_counts)
{
    changed("bizosaas", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    changed("bizosaas", 2, VERB_DELETE, "{\"id\":\"u1\"}");
    ck_assert_int_eq(record.version, 2);
    changed("coreldove", 5, VERB_DELETE, "{\"id\":\"u1\"}");
    ck_assert_int_eq(record.version, 2);
    world_step(&world,
               (struct step){"bizoholic", VERB_UPDATE, 4, 400000, "{\"id\":\"u1\",\"name\":\"A\"}", 1});
    ck_assert(record.deleted); /* made between the two */
    changed("bizoholic", 6, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(!record.deleted);
}
END_TEST

/* bizoholic says of a lead that it had seen as it was in version `base`. */
static bool says(int64_t seq, int64_t base, const char *data)
{
    struct json *json = mapping_parse(data);
    struct change change = {.source = mapping_platform("bizoholic"),
                            .entity = ENTITY_LEAD,
                            .verb = VERB_UPDATE,
                            .entity_id = "u1",
                            .event_id = "says",
                            .seq = seq,
                            .time_ms = T0 + seq * 100000,
                            .base_version = base,
                            .data = json};
    struct merge merge;

    world_change(&world, &change, &merge);
    bool advanced = merge.advanced;
    merge_release(&merge);
    json_free(json);
    return advanced;
}

/* Created without a status, a lead is new there. */
START_TEST(what_a_platform_makes_of_a_field_that_it_was_not_sent_is_no_change)
{
    changed("bizosaas", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(!says(2, 1, "{\"id\":\"u1\",\"name\":\"A\",\"status\":\"new\"}"));
    ck_assert(says(3, 1, "{\"id\":\"u1\",\"name\":\"A\",\"status\":\"won\"}"));
    holds("status", "won");
}
END_TEST

START_TEST(what_a_platform_says_of_a_record_that_it_was_never_sent_is_its_own_word)
{
    changed("bizosaas", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\"}");
    ck_assert(says(2, 0, "{\"id\":\"u1\",\"status\":\"new\"}"));
    holds("status", "new");
}
END_TEST

/* Within the guard the platform counts as having seen less than it was sent: it may not have seen it, or have changed back. */
START_TEST(a_value_from_before_what_it_was_sent_since_is_told_to_be_sent_again)
{
    struct json *data = mapping_parse("{\"id\":\"u1\",\"name\":\"A\",\"email\":\"a@b.cd\"}");
    struct change change = {.source = mapping_platform("coreldove"),
                            .entity = ENTITY_USER,
                            .verb = VERB_UPDATE,
                            .entity_id = "u1",
                            .event_id = "post",
                            .seq = 5,
                            .time_ms = T0 + 500000,
                            .base_version = 1,
                            .handed_version = _i ? 2 : 1,
                            .data = data};
    struct merge merge;

    changed("bizosaas", 1, VERB_CREATE, "{\"id\":\"u1\",\"name\":\"A\",\"email\":\"a@b.cd\"}");
    changed("bizoholic", 2, VERB_UPDATE, "{\"id\":\"u1\",\"name\":\"B\"}");
    world_change(&world, &change, &merge);
    mapping_check_equal(merge.stale, _i ? "[\"name\"]" : "[]", "stale");
    ck_assert(!merge.advanced);
    merge_release(&merge);
    json_free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge_webhook");
    TCase *tests = tcase_create("merge_webhook");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, what_the_platform_had_before_anothers_change_is_stale);
    tcase_add_test(tests, what_it_was_handed_since_is_an_echo_and_an_older_one_is_told);
    tcase_add_test(tests, what_the_platform_never_had_is_its_own_change);
    tcase_add_test(tests, what_was_deleted_stays_so_whatever_the_shop_still_tells_of_it);
    tcase_add_test(tests, of_two_webhooks_the_later_issued_counts_whichever_comes_first);
    tcase_add_test(tests, what_is_no_webhook_goes_by_the_order_of_arrival);
    tcase_add_test(tests, deleting_what_is_deleted_is_no_new_version_and_still_counts);
    tcase_add_loop_test(tests, a_value_from_before_what_it_was_sent_since_is_told_to_be_sent_again, 0, 2);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_a_platform_makes_of_a_field_that_it_was_not_sent_is_no_change);
    tcase_add_test(tests, what_a_platform_says_of_a_record_that_it_was_never_sent_is_its_own_word);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
