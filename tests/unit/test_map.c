/* test_map.c: the hash table and its hash. */
#include <check.h>

#include "hash.h"
#include "map.h"
#include "mem.h"

/* Values of an implementation that is not ours: CPython's hash() of bytes, whose algorithm this is, with a seed of zeros. */
static const struct {
    const char *text;
    uint64_t hash;
} known[] = {
    {"a", 0x407448d2b89b1813},
    {"01234567", 0xda3dcedf84ea6cc6},
    {"tenant-1/user/42", 0x27edb78de06a69a6},
    {"The quick brown fox jumps", 0x9e719c78716a132b},
};

START_TEST(the_hash_is_siphash_1_3)
{
    static const uint8_t seed[16];
    ck_assert_uint_eq(hash_siphash13(seed, known[_i].text, strlen(known[_i].text)), known[_i].hash);
}
END_TEST

START_TEST(the_seed_changes_the_hash)
{
    static const uint8_t zeros[16];
    ck_assert_uint_eq(hash_bytes("abc", 3), hash_bytes("abc", 3));
    ck_assert_uint_ne(hash_bytes("abc", 3), hash_siphash13(zeros, "abc", 3));
}
END_TEST

START_TEST(a_value_is_found_under_its_key_until_it_is_removed)
{
    struct map *map = map_new();
    int one = 1, two = 2;
    ck_assert_ptr_null(map_get(map, "k", 1));
    ck_assert_ptr_null(map_put(map, "k", 1, &one));
    ck_assert_ptr_eq(map_get(map, "k", 1), &one);
    ck_assert_ptr_eq(map_put(map, "k", 1, &two), &one);
    ck_assert_uint_eq(map_count(map), 1);
    ck_assert_ptr_eq(map_remove(map, "k", 1), &two);
    ck_assert_ptr_null(map_remove(map, "k", 1));
    ck_assert_ptr_null(map_get(map, "k", 1));
    ck_assert_uint_eq(map_count(map), 0);
    map_free(&map);
    ck_assert_ptr_null(map);
    map_free(&map);
}
END_TEST

START_TEST(keys_are_bytes_and_copied)
{
    struct map *map = map_new();
    int values[4];
    char key[3] = {'a', '\0', 'b'};
    map_put(map, key, 3, &values[0]);
    map_put(map, key, 2, &values[1]);
    map_put(map, key, 1, &values[2]);
    map_put(map, "", 0, &values[3]);
    key[2] = 'c';
    ck_assert_ptr_eq(map_get(map, "a\0b", 3), &values[0]);
    ck_assert_ptr_null(map_get(map, key, 3));
    ck_assert_ptr_eq(map_get(map, "a\0", 2), &values[1]);
    ck_assert_ptr_eq(map_get(map, "a", 1), &values[2]);
    ck_assert_ptr_eq(map_get(map, NULL, 0), &values[3]);
    map_free(&map);
}
END_TEST

START_TEST(a_value_of_null_is_a_bug)
{
    map_put(map_new(), "k", 1, NULL);
}
END_TEST

/* Against a plain array, with many removals and returns. */
START_TEST(a_million_random_steps_agree_with_an_array)
{
    enum { KEYS = 5000 };
    static int there[KEYS];
    struct map *map = map_new();
    uint32_t random = 12345;
    size_t count = 0;
    for (int step = 0; step < 1000000; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t key = (random >> 8) % KEYS;
        int *expected = there[key] ? &there[key] : NULL;
        bool filling = step / 100000 % 2 == 0;
        unsigned choice = random >> 28;
        if (choice < (filling ? 9u : 3u)) {
            ck_assert_ptr_eq(map_put(map, &key, sizeof key, &there[key]), expected);
            count += !there[key];
            there[key] = 1;
        } else if (choice < 13) {
            ck_assert_ptr_eq(map_remove(map, &key, sizeof key), expected);
            count -= there[key] != 0;
            there[key] = 0;
        } else {
            ck_assert_ptr_eq(map_get(map, &key, sizeof key), expected);
        }
        ck_assert_uint_eq(map_count(map), count);
    }
    map_free(&map);
}
END_TEST

START_TEST(a_walk_meets_each_once_and_may_remove_what_it_stands_on)
{
    enum { KEYS = 1000 };
    static int seen[KEYS];
    struct map *map = map_new();
    for (int i = 0; i < KEYS; i++)
        map_put(map, &i, sizeof i, &seen[i]);
    struct map_iter iter = {0};
    const void *key;
    size_t len;
    void *value;
    while (map_next(map, &iter, &key, &len, &value)) {
        int number;
        ck_assert_uint_eq(len, sizeof number);
        memcpy(&number, key, sizeof number);
        ck_assert_ptr_eq(value, &seen[number]);
        seen[number]++;
        if (number % 2 == 0)
            ck_assert_ptr_eq(map_remove(map, key, len), value);
    }
    for (int i = 0; i < KEYS; i++) {
        ck_assert_int_eq(seen[i], 1);
        ck_assert_ptr_eq(map_get(map, &i, sizeof i), i % 2 == 0 ? NULL : &seen[i]);
    }
    ck_assert_uint_eq(map_count(map), KEYS / 2);
    map_free(&map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map");
    TCase *tests = tcase_create("map");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_hash_is_siphash_1_3, 0, sizeof known / sizeof *known);
    tcase_add_test(tests, the_seed_changes_the_hash);
    tcase_add_test(tests, a_value_is_found_under_its_key_until_it_is_removed);
    tcase_add_test(tests, keys_are_bytes_and_copied);
    tcase_add_test_raise_signal(tests, a_value_of_null_is_a_bug, 6 /* SIGABRT */);
    tcase_add_test(tests, a_million_random_steps_agree_with_an_array);
    tcase_add_test(tests, a_walk_meets_each_once_and_may_remove_what_it_stands_on);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
