/* test_digest.c: hashes, MACs, base64 and record ids. */
#include <check.h>

#include "digest.h"
#include "mem.h"

static void expect_hex(const uint8_t digest[32], const char *hex)
{
    struct buf buf = BUF_INIT;
    buf_add_hex(&buf, digest, 32);
    ck_assert_str_eq(buf.data, hex);
    buf_release(&buf);
}

START_TEST(sha256_gives_the_values_of_fips_180)
{
    uint8_t out[32];
    for (int twice = 0; twice < 2; twice++) {
        digest_sha256("", 0, out);
        expect_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        digest_sha256("abc", 3, out);
        expect_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        digest_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out);
        expect_hex(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
}
END_TEST

START_TEST(hmac_sha256_gives_the_values_of_rfc_4231)
{
    uint8_t out[32], key[131];
    digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
    expect_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    digest_hmac_sha256(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
    expect_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    digest_hmac_sha256(NULL, 0, "", 0, out);
    expect_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
END_TEST

START_TEST(equal_means_every_byte)
{
    ck_assert(digest_equal("abcd", "abcd", 4));
    ck_assert(!digest_equal("abcd", "abce", 4));
    ck_assert(!digest_equal("bbcd", "abcd", 4));
    ck_assert(digest_equal("x", "y", 0));
}
END_TEST

START_TEST(random_bytes_differ_each_time)
{
    uint8_t a[32] = {0}, b[32] = {0};
    digest_random(a, sizeof a);
    digest_random(b, sizeof b);
    ck_assert(!digest_equal(a, b, sizeof a));
    digest_random(a, 0);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    const char *text;
} base64[] = {
    {"", 0, ""},
    {"f", 1, "Zg=="},
    {"fo", 2, "Zm8="},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg=="},
    {"fooba", 5, "Zm9vYmE="},
    {"foobar", 6, "Zm9vYmFy"},
    {"\0\0\0", 3, "AAAA"},
    {"\xff\xef\xbf\xfb", 4, "/++/+w=="},
};

START_TEST(base64_is_that_of_rfc_4648_both_ways)
{
    struct buf text = BUF_INIT, bytes = BUF_INIT;
    digest_base64(&text, base64[_i].bytes, base64[_i].len);
    ck_assert_str_eq(text.data, base64[_i].text);
    buf_add_str(&bytes, "before");
    ck_assert_int_eq(digest_base64_decode(&bytes, text.data, text.len), 0);
    ck_assert_uint_eq(bytes.len, 6 + base64[_i].len);
    ck_assert_int_eq(memcmp(bytes.data + 6, base64[_i].bytes, base64[_i].len), 0);
    buf_release(&text);
    buf_release(&bytes);
}
END_TEST

static const char *const not_base64[] = {"Zg",       "Zg=",    "Zg===", "Zh==", "Zm9=", "Z===",    "====",
                                         "Zg==Zg==", "Zm9v\n", "Zm 9",  "Zm9-", "Zm9_", "Zm9\xff", "=m9v"};

START_TEST(what_is_not_base64_is_refused_and_adds_nothing)
{
    struct buf bytes = BUF_INIT;
    buf_add_str(&bytes, "before");
    ck_assert_int_eq(digest_base64_decode(&bytes, not_base64[_i], strlen(not_base64[_i])), -1);
    ck_assert_str_eq(bytes.data, "before");
    ck_assert_uint_eq(bytes.len, 6);
    buf_release(&bytes);
}
END_TEST

/* printf 'acme\0user\00042' | sha256sum, with the version and variant bits set */
START_TEST(a_record_id_is_the_same_everywhere_and_its_parts_cannot_be_shifted)
{
    struct uuid id, other;
    char text[UUID_TEXT_LEN + 1];
    digest_record_id(&id, "acme", "user", "42");
    uuid_format(&id, text);
    ck_assert_str_eq(text, "d8bda91d-25ad-83cf-9bc8-522afd3abdcb");
    digest_record_id(&other, "acme", "use", "r42");
    ck_assert(!uuid_equal(&id, &other));
    digest_record_id(&other, "acmeuser", "", "42");
    ck_assert(!uuid_equal(&id, &other));
    digest_record_id(&other, "acme", "user", "42");
    ck_assert(uuid_equal(&id, &other));
}
END_TEST

#define COUNT(rows) (int)(sizeof rows / sizeof *rows)

int main(void)
{
    Suite *suite = suite_create("digest");
    TCase *tests = tcase_create("digest");
    tcase_add_test(tests, sha256_gives_the_values_of_fips_180);
    tcase_add_test(tests, hmac_sha256_gives_the_values_of_rfc_4231);
    tcase_add_test(tests, equal_means_every_byte);
    tcase_add_test(tests, random_bytes_differ_each_time);
    tcase_add_loop_test(tests, base64_is_that_of_rfc_4648_both_ways, 0, COUNT(base64));
    tcase_add_loop_test(tests, what_is_not_base64_is_refused_and_adds_nothing, 0, COUNT(not_base64));
    tcase_add_test(tests, a_record_id_is_the_same_everywhere_and_its_parts_cannot_be_shifted);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
