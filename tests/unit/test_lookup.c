/* test_lookup.c: keyed hashes of e-mail addresses: equal for equal people of one tenant, and the same for ever. */
#include <check.h>

#include "lookup.h"
#include "mem.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct {
    const char *given, *normal; /* NULL: none */
} addresses[] = {
    {"ann@example.com", "ann@example.com"},
    {"Ann@Example.COM", "ann@example.com"},
    {" \tann@example.com\r\n", "ann@example.com"},
    {"a.nn+shop@example.com", "a.nn+shop@example.com"},
    {"\xc3\x84nn@example.com", "\xc3\x84nn@example.com"},
    {"[Z`{@example.com", "[z`{@example.com"},
    {"", NULL},
    {"   ", NULL},
    {"ann", NULL},
    {"@example.com", NULL},
    {"ann@", NULL},
    {" @ ", NULL},
};

START_TEST(addresses_are_compared_without_blanks_and_case_and_else_as_they_are)
{
    struct buf out = BUF_INIT;
    bool good = lookup_normal_email(&out, addresses[_i].given, strlen(addresses[_i].given));

    ck_assert_msg(good == (addresses[_i].normal != NULL), "\"%s\"", addresses[_i].given);
    ck_assert_str_eq(out.len > 0 ? out.data : "", good ? addresses[_i].normal : "");
    buf_release(&out);
}
END_TEST

START_TEST(an_address_of_254_bytes_is_the_longest)
{
    char text[255];
    struct buf out = BUF_INIT;

    memset(text, 'a', sizeof text);
    text[1] = '@';
    ck_assert(lookup_normal_email(&out, text, 254));
    ck_assert_uint_eq(out.len, 254);
    ck_assert(!lookup_normal_email(&out, text, 255));
    ck_assert_uint_eq(out.len, 254);
    buf_release(&out);
}
END_TEST

static const char *hex_of(const uint8_t *key, const char *tenant, const char *email)
{
    static struct buf hex;
    uint8_t hash[LOOKUP_HASH_LEN];

    buf_reset(&hex);
    ck_assert_int_eq(lookup_email_hash(key, tenant, email, strlen(email), hash), 0);
    buf_add_hex(&hex, hash, sizeof hash);
    return hex.data;
}

/* By another program: HMAC-SHA256 with the key 00 01 … 1f over "email" NUL tenant NUL "ann@example.com". */
START_TEST(the_hash_is_what_rows_already_have)
{
    uint8_t key[LOOKUP_KEY_LEN];

    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    ck_assert_str_eq(hex_of(key, "tenant123", "ann@example.com"), "76d94278d8c21387c2b7537bb0658fc0");
    ck_assert_str_eq(hex_of(key, "tenant123", " ANN@example.com"), "76d94278d8c21387c2b7537bb0658fc0");
    ck_assert_str_eq(hex_of(key, "other", "ann@example.com"), "8b898ea87d84ba5311b8f7c1e4aa8c64");
    key[31] ^= 1;
    ck_assert_str_ne(hex_of(key, "tenant123", "ann@example.com"), "76d94278d8c21387c2b7537bb0658fc0");
}
END_TEST

START_TEST(what_is_no_address_has_no_hash)
{
    static const uint8_t key[LOOKUP_KEY_LEN];
    uint8_t hash[LOOKUP_HASH_LEN] = {7};

    ck_assert_int_eq(lookup_email_hash(key, "t", "nobody", 6, hash), -1);
    ck_assert_uint_eq(hash[0], 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lookup");
    TCase *tcase = tcase_create("lookup");
    tcase_add_loop_test(tcase, addresses_are_compared_without_blanks_and_case_and_else_as_they_are, 0,
                        COUNT(addresses));
    tcase_add_test(tcase, an_address_of_254_bytes_is_the_longest);
    tcase_add_test(tcase, the_hash_is_what_rows_already_have);
    tcase_add_test(tcase, what_is_no_address_has_no_hash);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
