/* test_person.c: normal forms of telephone numbers, names and addresses, and how much two persons agree. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "person.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

START_TEST(a_telephone_number_becomes_E164_where_it_says_its_country)
{
    static const struct {
        const char *text, *normal; /* NULL: none */
    } rows[] = {
        {"+49 30 123456", "+4930123456"},
        {"0049 (30) 123-456", "+4930123456"},
        {"+44 (0)20 7946 0958", "+442079460958"},
        {"+1 (555) 010-0199 x12", "+15550100199"},
        {"+1-555-010-0199 ext. 3", "+15550100199"},
        {"030 123456", "30123456"},
        {"98765 43210", "9876543210"},
        {"+91.98765.43210", "+919876543210"},
        {"12345", NULL},
        {"+1234567890123456", NULL},
        {"12345678901234567890123", NULL},
        {"call me", NULL},
        {"", NULL},
        {"0000000000", NULL},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[24] = "";
        bool is = person_normal_phone(out, rows[i].text, strlen(rows[i].text));
        ck_assert_msg(is == (rows[i].normal != NULL) && (!is || strcmp(out, rows[i].normal) == 0), "%s: %s",
                      rows[i].text, out);
    }
}
END_TEST

static void check_words(const struct person_words *words, const char *text, const char *expected)
{
    char joined[PERSON_WORDS_MAX * (PERSON_WORD_MAX + 1) + 1] = "";

    for (size_t i = 0; i < words->count; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i ? " " : "",
                 words->word[i]);
    ck_assert_msg(strcmp(joined, expected) == 0, "%s: %s", text, joined);
}

START_TEST(names_are_compared_without_case_accents_and_titles)
{
    static const char *const rows[][2] = {
        {"Dr. John  SMITH", "john smith"},
        {"Jos\xc3\xa9 Garc\xc3\xad"
         "a",
         "jose garcia"},
        {"O'Neill, Se\xc3\xa1n", "oneill sean"},
        {"\xc5\x81ukasz \xc5\xbb"
         "ak",
         "lukasz zak"},
        {"Anne-Marie M\xc3\xbcller", "anne marie muller"},
        {"Mrs", ""},
        {"\xe5\xbc\xa0\xe4\xbc\x9f", "\xe5\xbc\xa0\xe4\xbc\x9f"},
        {"\xc3", "\xc3"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct person_words words = {.count = 0};
        person_normal_name(&words, rows[i][0], strlen(rows[i][0]));
        check_words(&words, rows[i][0], rows[i][1]);
    }
}
END_TEST

START_TEST(addresses_are_compared_in_short_forms)
{
    static const char *const rows[][2] = {
        {"12, Long Street", "12 long st"},
        {"Flat 3b, No. 7 Mill Road", "apt 3b 7 mill rd"},
        {"Hauptstra\xc3\x9f"
         "e 5",
         "hauptstrase 5"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct person_words words = {.count = 0};
        person_normal_address(&words, rows[i][0], strlen(rows[i][0]));
        check_words(&words, rows[i][0], rows[i][1]);
    }
}
END_TEST

static void read(struct person *person, const char *text)
{
    bool ok;
    struct json *data = json_parse(text, strlen(text), 8, NULL, &ok);

    ck_assert_msg(ok, "%s", text);
    person_read(person, data, "tax_id");
    json_free(data);
}

#define JOHN                                                                                   \
    "{\"name\":\"John Smith\",\"email\":\"john.smith@example.com\",\"phone\":\"+4930123456\"," \
    "\"address\":{\"street\":\"12 Long Street\",\"zip\":\"10115\",\"city\":\"Berlin\"}}"

START_TEST(two_features_that_agree_are_suggested_and_one_alone_or_a_household_is_not)
{
    static const struct {
        const char *a, *b;
        bool suggested;
        const char *why;
    } rows[] = {
        {JOHN, JOHN, true, "email,phone,name 1.00,address 1.00"},
        {JOHN, "{\"name\":\"Jonh Smith\",\"phone\":\"030 123456\"}", true, "phone,name 0.93"},
        {JOHN, "{\"name\":\"Smith, J.\",\"address\":\"12 Long St 10115\"}", false, NULL},
        {JOHN, "{\"name\":\"Jon Smith\",\"address\":\"12 Long St, 10115 Berlin\"}", true,
         "name 0.93,address 1.00"},
        {JOHN, "{\"name\":\"John Smith\",\"email\":\"jonh.smith@example.com\"}", true,
         "similar email,name 1.00"},
        {JOHN, "{\"name\":\"John Smith\",\"email\":\"john.smith@example.org\"}", true, NULL},
        {JOHN, "{\"email\":\"JOHN.SMITH@example.com\"}", true, "email"},
        {JOHN, "{\"name\":\"John Smith\"}", false, NULL},
        {JOHN, "{\"name\":\"John Smith\",\"email\":\"js77@example.com\",\"phone\":\"+4930999999\"}", false,
         NULL},
        {JOHN,
         "{\"name\":\"Anna Smith\",\"phone\":\"+4930123456\",\"address\":\"12 Long Street 10115 Berlin\"}",
         false, NULL},
        {JOHN, "{\"name\":\"Peter Jones\",\"email\":\"john.smith@example.com\"}", false, NULL},
        {JOHN, "{\"phone\":\"+4930123456\"}", false, NULL},
        {JOHN, "{}", false, NULL},
        {"{\"name\":\"A B\",\"email\":\"ab@example.com\",\"tax_id\":\"1\"}",
         "{\"name\":\"A B\",\"email\":\"ab@example.com\",\"tax_id\":\"2\"}", false, NULL},
        {"{\"tax_id\":\"1\"}", "{\"tax_id\":\"1\"}", true, "external id"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct person a, b;
        struct buf why = BUF_INIT;
        read(&a, rows[i].a);
        read(&b, rows[i].b);
        int score = person_score(&a, &b, &why);
        ck_assert_msg((score >= PERSON_SCORE_MIN) == rows[i].suggested, "%s: %d %s", rows[i].b, score,
                      why.len ? why.data : "");
        ck_assert_msg(!rows[i].why || (why.len && strcmp(why.data, rows[i].why) == 0), "%s: %s", rows[i].b,
                      why.len ? why.data : "");
        ck_assert_int_eq(person_score(&b, &a, NULL), score);
        buf_release(&why);
    }
}
END_TEST

static size_t shared(const char *a, const char *b, const char *other_tenant)
{
    static const uint8_t key[LOOKUP_KEY_LEN] = {7};
    int32_t mine[PERSON_KEYS_MAX], theirs[PERSON_KEYS_MAX];
    struct person x, y;
    size_t count = 0;

    read(&x, a);
    read(&y, b);
    size_t m = person_keys(&x, key, "t", mine), t = person_keys(&y, key, other_tenant, theirs);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < t; j++)
            count += mine[i] == theirs[j];
    return count;
}

START_TEST(similar_persons_share_a_key_and_tenants_share_none)
{
    ck_assert_uint_gt(shared(JOHN, "{\"name\":\"Jhon Smith\"}", "t"), 0);
    ck_assert_uint_gt(shared(JOHN, "{\"name\":\"Johm Smith\"}", "t"), 0);
    ck_assert_uint_gt(shared(JOHN, "{\"phone\":\"030 123456\"}", "t"), 0);
    ck_assert_uint_gt(shared(JOHN, "{\"email\":\"john.smith@example.org\"}", "t"), 0);
    ck_assert_uint_gt(shared(JOHN, "{\"address\":\"12 Long St\"}", "t"), 0);
    ck_assert_uint_eq(shared(JOHN, "{\"name\":\"Anna Jones\"}", "t"), 0);
    ck_assert_uint_eq(shared(JOHN, JOHN, "u"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("person");
    TCase *tests = tcase_create("person");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, a_telephone_number_becomes_E164_where_it_says_its_country);
    tcase_add_test(tests, names_are_compared_without_case_accents_and_titles);
    tcase_add_test(tests, addresses_are_compared_in_short_forms);
    tcase_add_test(tests, two_features_that_agree_are_suggested_and_one_alone_or_a_household_is_not);
    tcase_add_test(tests, similar_persons_share_a_key_and_tenants_share_none);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
