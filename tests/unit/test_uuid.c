/* test_uuid.c: identifiers. */
#include <check.h>

#include "mem.h"
#include "uuid.h"

static const char *const good[] = {
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
};

START_TEST(a_parsed_uuid_is_written_as_it_came)
{
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1];
    ck_assert_int_eq(uuid_parse(&uuid, good[_i], strlen(good[_i])), 0);
    uuid_format(&uuid, text);
    ck_assert_str_eq(text, good[_i]);
    ck_assert_int_eq(uuid_is_nil(&uuid), _i == 0);
}
END_TEST

START_TEST(capital_letters_are_read_too)
{
    struct uuid capital, small;
    ck_assert_int_eq(uuid_parse(&capital, "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", 36), 0);
    ck_assert_int_eq(uuid_parse(&small, good[2], 36), 0);
    ck_assert(uuid_equal(&capital, &small));
}
END_TEST

static const char *const bad[] = {
    "",
    "017f22e279b07cc398c4dc0c0c07398f",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
    "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07-98f",
    "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
    " 17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
};

START_TEST(anything_else_is_refused_and_leaves_the_target_alone)
{
    struct uuid uuid, before;
    memset(&uuid, 7, sizeof uuid);
    before = uuid;
    ck_assert_int_eq(uuid_parse(&uuid, bad[_i], strlen(bad[_i])), -1);
    ck_assert(uuid_equal(&uuid, &before));
}
END_TEST

static bool has_form(const struct uuid *uuid, int version)
{
    return uuid->bytes[6] >> 4 == version && uuid->bytes[8] >> 6 == 2;
}

START_TEST(version_7_ids_rise_while_time_stands_steps_back_and_runs)
{
    const int64_t start_ms = 1700000000000;
    struct uuid last = {{0}}, next;
    for (int i = 0; i < 100000; i++) {
        int64_t now_ms = i < 50000 ? start_ms : i < 60000 ? start_ms - 5000 : start_ms + (i - 60000) / 3;
        uuid_v7(&next, now_ms);
        ck_assert_int_gt(uuid_compare(&next, &last), 0);
        ck_assert(has_form(&next, 7));
        last = next;
    }
    ck_assert_int_eq(uuid_v7_ms(&last), start_ms + 39999 / 3);
}
END_TEST

START_TEST(a_full_counter_borrows_few_milliseconds)
{
    const int64_t start_ms = 1700000000000;
    struct uuid uuid;
    for (int i = 0; i < 20480; i++)
        uuid_v7(&uuid, start_ms);
    /* each millisecond holds 2,049 to 4,096 ids */
    ck_assert_int_ge(uuid_v7_ms(&uuid), start_ms + 4);
    ck_assert_int_le(uuid_v7_ms(&uuid), start_ms + 9);
}
END_TEST

START_TEST(version_7_ids_differ_in_their_random_bits)
{
    struct uuid a, b;
    uuid_v7(&a, 1);
    uuid_v7(&b, 1);
    ck_assert_int_ne(memcmp(a.bytes + 8, b.bytes + 8, 8), 0);
}
END_TEST

START_TEST(the_floor_of_a_millisecond_is_below_its_ids_and_above_earlier_ones)
{
    struct uuid earlier, floor, id;
    char text[UUID_TEXT_LEN + 1];
    uuid_v7(&earlier, 1699999999999);
    uuid_v7_floor(&floor, 1700000000000);
    uuid_v7(&id, 1700000000000);
    uuid_format(&floor, text);
    ck_assert_str_eq(text, "018bcfe5-6800-7000-8000-000000000000");
    ck_assert_int_lt(uuid_compare(&earlier, &floor), 0);
    ck_assert_int_gt(uuid_compare(&id, &floor), 0);
    ck_assert_int_eq(uuid_v7_ms(&floor), 1700000000000);
}
END_TEST

START_TEST(a_version_8_id_is_the_hash_with_its_form_bits_set)
{
    uint8_t hash[16];
    struct uuid uuid;
    char text[UUID_TEXT_LEN + 1];
    memset(hash, 0xff, sizeof hash);
    uuid_v8(&uuid, hash);
    uuid_format(&uuid, text);
    ck_assert_str_eq(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    ck_assert(has_form(&uuid, 8));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("uuid");
    TCase *tests = tcase_create("uuid");
    tcase_add_loop_test(tests, a_parsed_uuid_is_written_as_it_came, 0, sizeof good / sizeof *good);
    tcase_add_test(tests, capital_letters_are_read_too);
    tcase_add_loop_test(tests, anything_else_is_refused_and_leaves_the_target_alone, 0,
                        sizeof bad / sizeof *bad);
    tcase_add_test(tests, version_7_ids_rise_while_time_stands_steps_back_and_runs);
    tcase_add_test(tests, a_full_counter_borrows_few_milliseconds);
    tcase_add_test(tests, version_7_ids_differ_in_their_random_bits);
    tcase_add_test(tests, the_floor_of_a_millisecond_is_below_its_ids_and_above_earlier_ones);
    tcase_add_test(tests, a_version_8_id_is_the_hash_with_its_form_bits_set);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
