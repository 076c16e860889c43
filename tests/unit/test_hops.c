/* test_hops.c: a field that platforms pass to and fro is stopped the third time within a minute; what people change is not. */
#include "hops.h"
#include "merge_world_fixture.h"

static struct world world;
static int64_t now_ms;
static bool noted;

static void begin(void)
{
    mapping_load();
    world_init(&world);
    world_step(&world, (struct step){"bizoholic", VERB_CREATE, 1, 0,
                                     "{\"name\":\"n\",\"phone\":\"p\",\"city\":\"c\"}", 0});
    now_ms = T0;
}

static void end(void)
{
    world_release(&world);
    mapping_unload();
}

/* A change of coreldove, after that was delivered to it: the fields that are not taken, with commas. */
static const char *offer(const char *data, const char *handed)
{
    static char names[100];
    struct json *common = mapping_parse(data), *stopped;
    struct change change = {.source = mapping_platform("coreldove"),
                            .entity = ENTITY_USER,
                            .verb = VERB_UPDATE,
                            .entity_id = "u1",
                            .event_id = "e",
                            .seq = 2,
                            .base_version = world.record.version,
                            .time_ms = now_ms,
                            .data = common,
                            .history = world.versions + world.count - 1,
                            .history_count = 1};

    names[0] = '\0';
    stopped = hops_stop(&world.record, &change, handed, now_ms, &noted);
    for (size_t i = 0; i < json_count(stopped); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? "," : "",
                 json_text(json_at(stopped, i), NULL));
    json_free(stopped);
    json_free(common);
    return names;
}

START_TEST(the_third_hop_of_a_field_within_a_minute_is_not_taken_nor_the_fourth)
{
    ck_assert_str_eq(offer("{\"name\":\"n1\"}", "name"), "");
    now_ms += 20000;
    ck_assert_str_eq(offer("{\"name\":\"n2\"}", "name"), "");
    now_ms += 20000;
    ck_assert_str_eq(offer("{\"name\":\"n3\"}", "name"), "name");
    now_ms += 10000;
    ck_assert_str_eq(offer("{\"name\":\"n4\"}", "name"), "name");
}
END_TEST

START_TEST(hops_further_apart_are_taken)
{
    for (int i = 0; i < 10; i++) {
        ck_assert_str_eq(offer(i % 2 ? "{\"name\":\"n1\"}" : "{\"name\":\"n2\"}", "name,phone"), "");
        ck_assert(noted);
        now_ms += 30000;
    }
}
END_TEST

START_TEST(each_field_counts_its_own_hops)
{
    offer("{\"name\":\"n1\"}", "name,phone");
    offer("{\"name\":\"n2\"}", "name,phone");
    ck_assert_str_eq(offer("{\"phone\":\"p1\"}", "name,phone"), "");
    ck_assert_str_eq(offer("{\"name\":\"n3\",\"phone\":\"p2\"}", "name,phone"), "name");
}
END_TEST

static const struct {
    const char *data, *handed;
} own[] = {
    {"{\"name\":\"n1\"}", NULL},                  /* nothing was delivered before */
    {"{\"name\":\"n1\"}", ""},                    /* nothing that others changed */
    {"{\"name\":\"n1\"}", "phone"},               /* something else was */
    {"{\"name\":\"n1\",\"city\":\"x\"}", "name"}, /* more than that */
    {"{\"name\":\"n\"}", "name"},                 /* it says what it was sent */
    {"{\"name\":\"n1\"}", "nam,e,names,surname"}, /* no part of a name is that name */
};

START_TEST(what_is_not_an_answer_to_a_delivery_is_no_hop)
{
    for (int i = 0; i < 5; i++) {
        ck_assert_str_eq(offer(own[_i].data, own[_i].handed), "");
        ck_assert(!noted);
    }
}
END_TEST

START_TEST(the_note_of_hops_is_no_field)
{
    struct json_iter iter = {0};
    struct step gone = {"bizoholic", VERB_DELETE, 3, 100, "{}", 1};
    const char *field;
    const struct json *value;
    bool present;

    offer("{\"name\":\"n1\"}", "name");
    ck_assert(noted);
    ck_assert(!merge_next_withheld(world.record.notes, &iter, "coreldove", 1, &field, &value, &present));
    world_step(&world, gone);
    ck_assert(world.record.deleted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hops");
    TCase *tests = tcase_create("hops");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_third_hop_of_a_field_within_a_minute_is_not_taken_nor_the_fourth);
    tcase_add_test(tests, hops_further_apart_are_taken);
    tcase_add_test(tests, each_field_counts_its_own_hops);
    tcase_add_loop_test(tests, what_is_not_an_answer_to_a_delivery_is_no_hop, 0, sizeof own / sizeof *own);
    tcase_add_test(tests, the_note_of_hops_is_no_field);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
