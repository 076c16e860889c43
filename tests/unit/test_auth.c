/* test_auth.c: which tokens are believed: signatures, algorithms bound to keys, and every claim. */
#include <check.h>
#include <stdbool.h>

#include "auth.h"
#include "auth_cache.h"
#include "mem.h"
#include "token_fixture.h"

#define SECRET "a secret of more than thirty-two bytes"
#define NOW INT64_C(1800000000000)
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS(more) "{\"sub\":\"user1\",\"exp\":1800003600" more "}"

static struct auth_keys keys = {SECRET, "", "", "", false};

/* NULL when the token is believed, else the sentence. */
static const char *judge(const struct auth_keys *by, const char *token, struct identity *identity)
{
    const char *why = NULL;

    return auth_check(by, token, NOW, identity, &why) ? why : NULL;
}

static void expect(const struct auth_keys *by, struct buf token, const char *part_of_why)
{
    struct identity identity;
    const char *why = judge(by, token.data, &identity);

    if (!part_of_why)
        ck_assert_msg(!why, "a good token is refused: %s", why);
    else
        ck_assert_msg(why && strstr(why, part_of_why), "\"%s\" is due and \"%s\" is said", part_of_why, why);
    if (part_of_why)
        ck_assert_msg(!*identity.subject && identity.role == AUTH_NONE, "a refused token leaves an identity");
    buf_release(&token);
}

static struct buf text(const char *token)
{
    struct buf copy;

    buf_init(&copy);
    buf_add_str(&copy, token);
    return copy;
}

START_TEST(a_good_hs256_token_names_subject_tenant_role_and_end)
{
    struct buf token = token_hs256(
        HEADER, CLAIMS(",\"tenant_id\":\"t1\",\"roles\":[\"service\"],\"platform\":\"coreldove\""), SECRET);
    struct identity identity;

    ck_assert_ptr_null(judge(&keys, token.data, &identity));
    ck_assert_str_eq(identity.subject, "user1");
    ck_assert_str_eq(identity.tenant, "t1");
    ck_assert_str_eq(identity.platform, "coreldove");
    ck_assert_int_eq(identity.role, AUTH_SERVICE);
    ck_assert_int_eq(identity.expires_ms, INT64_C(1800003600000));
    buf_release(&token);
}
END_TEST

static const struct {
    const char *claims;
    const char *why;
} claim_cases[] = {
    {CLAIMS(""), NULL},
    {"{\"sub\":\"u\",\"exp\":1799999971}", NULL}, /* 29 s ago: leeway */
    {"{\"sub\":\"u\",\"exp\":1799999970}", "expired"},
    {"{\"sub\":\"u\",\"exp\":1000}", "expired"},
    {"{\"sub\":\"u\",\"exp\":1800003600.75}", NULL},
    {"{\"sub\":\"u\",\"exp\":99999999999999999}", NULL},
    {"{\"sub\":\"u\",\"exp\":-5}", "exp"},
    {"{\"sub\":\"u\",\"exp\":\"1800003600\"}", "exp"},
    {"{\"sub\":\"u\",\"exp\":1e400}", ""},
    {"{\"sub\":\"u\",\"exp\":null}", "exp"},
    {"{\"sub\":\"u\"}", "exp"},
    {CLAIMS(",\"nbf\":1800000030"), NULL},
    {CLAIMS(",\"nbf\":1800000031"), "nbf"},
    {CLAIMS(",\"nbf\":true"), "nbf"},
    {"{\"exp\":1800003600}", "sub"},
    {"{\"exp\":1800003600,\"sub\":\"\"}", "sub"},
    {"{\"exp\":1800003600,\"sub\":7}", "sub"},
    {CLAIMS(",\"tenant_id\":null"), NULL},
    {CLAIMS(",\"tenant_id\":7"), "tenant_id"},
    {CLAIMS(",\"tenant_id\":[\"a\"]"), "tenant_id"},
    {CLAIMS(",\"tenant_id\":\"\""), "tenant_id"},
    {CLAIMS(",\"tenant_id\":\"a\\nb\""), "tenant_id"},
    {CLAIMS(",\"platform\":\"a name that is much too long for a platform\""), "platform"},
    {CLAIMS(",\"roles\":7"), "roles"},
    {CLAIMS(",\"roles\":[\"viewer\",7]"), "roles"},
    {CLAIMS(",\"sub\":\"twice\""), "claims"},
    {"[1]", "claims"},
    {"null", ""},
};

START_TEST(each_claim_is_judged)
{
    expect(&keys, token_hs256(HEADER, claim_cases[_i].claims, SECRET), claim_cases[_i].why);
}
END_TEST

static const struct {
    const char *header;
    const char *why;
} header_cases[] = {
    {"{\"alg\":\"HS256\",\"kid\":\"any\"}", NULL},
    {"{\"alg\":\"none\"}", "algorithm"},
    {"{\"alg\":\"None\"}", "algorithm"},
    {"{\"alg\":\"hs256\"}", "algorithm"},
    {"{\"alg\":\"HS256 \"}", "algorithm"},
    {"{\"alg\":\"HS384\"}", "algorithm"},
    {"{\"alg\":\"HS512\"}", "algorithm"},
    {"{\"alg\":\"\"}", "algorithm"},
    {"{\"alg\":null}", "algorithm"},
    {"{\"alg\":[\"HS256\"]}", "algorithm"},
    {"{\"alg\":256}", "algorithm"},
    {"{\"ALG\":\"HS256\"}", "algorithm"},
    {"{}", "algorithm"},
    {"{\"alg\":\"RS256\"}", "algorithm"}, /* no public key is configured */
    {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "crit"},
    {"{\"alg\":\"HS256\",\"crit\":null}", "crit"},
    {"{\"alg\":\"HS256\",\"typ\":\"jwt\"}", NULL},
    {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "typ"},
    {"{\"alg\":\"HS256\",\"typ\":1}", "typ"},
    {"{\"alg\":\"none\",\"alg\":\"HS256\"}", "header"},
    {"\"HS256\"", "header"},
    {"not JSON", "header"},
};

START_TEST(the_header_cannot_choose)
{
    expect(&keys, token_hs256(header_cases[_i].header, CLAIMS(""), SECRET), header_cases[_i].why);
}
END_TEST

START_TEST(every_cut_of_a_token_is_refused)
{
    struct buf token = token_hs256(HEADER, CLAIMS(""), SECRET);
    struct identity identity;

    ck_assert_ptr_null(judge(&keys, token.data, &identity));
    while (token.len > 0) {
        token.data[--token.len] = '\0';
        ck_assert_msg(judge(&keys, token.data, &identity) != NULL, "%zu bytes of it are believed", token.len);
    }
    buf_release(&token);
}
END_TEST

START_TEST(every_changed_byte_is_refused)
{
    struct buf token = token_hs256(HEADER, CLAIMS(""), SECRET);
    struct identity identity;

    for (size_t i = 0; i < token.len; i++) {
        char was = token.data[i];

        token.data[i] = was == 'A' ? 'B' : 'A';
        ck_assert_msg(judge(&keys, token.data, &identity) != NULL, "byte %zu may be another", i);
        token.data[i] = was;
    }
    buf_release(&token);
}
END_TEST

START_TEST(what_is_no_jwt_is_refused)
{
    struct buf token, large;

    expect(&keys, text(""), "not a JWT");
    expect(&keys, text(".."), "not a JWT");
    expect(&keys, text("a.b.c"), "not a JWT");
    expect(&keys, text("abcd.abcd.abcd.abcd"), "not a JWT");
    expect(&keys, text("ab cd.abcd.abcd"), "not a JWT");
    buf_init(&token);
    token_add_unsigned(&token, HEADER, CLAIMS(""));
    buf_add_ch(&token, '.');
    expect(&keys, token, "not signed");
    expect(&keys, token_hs256(HEADER, "no JSON at all", SECRET), "");
    buf_init(&large);
    while (large.len < 8190)
        buf_add_str(&large, "AAAA");
    buf_add_str(&large, ".AAAA.AAAA");
    expect(&keys, large, "8 KiB");
}
END_TEST

START_TEST(another_secret_and_an_empty_or_short_one_are_refused)
{
    const struct auth_keys none = {"", "", "", "", true}, null = {NULL, NULL, NULL, NULL, true};
    const struct auth_keys brief = {"short", "", "", "", false}, brief_ok = {"short", "", "", "", true};

    expect(&keys, token_hs256(HEADER, CLAIMS(""), "another secret of more than 32 bytes"), "signature");
    expect(&none, token_hs256(HEADER, CLAIMS(""), ""), "algorithm");
    expect(&none, token_hs256(HEADER, CLAIMS(""), SECRET), "algorithm");
    expect(&null, token_hs256(HEADER, CLAIMS(""), ""), "algorithm");
    expect(&brief, token_hs256(HEADER, CLAIMS(""), "short"), "algorithm");
    expect(&brief_ok, token_hs256(HEADER, CLAIMS(""), "short"), NULL);
}
END_TEST

START_TEST(issuer_and_audience_count_when_configured)
{
    const struct auth_keys strict = {SECRET, "", "https://issuer", "sync", false};
    const char *iss = ",\"iss\":\"https://issuer\"";
    static const struct {
        const char *more, *why;
    } cases[] = {
        {",\"aud\":\"sync\"", NULL}, {",\"aud\":[\"other\",\"sync\"]", NULL}, {",\"aud\":[]", "aud"},
        {",\"aud\":[7]", "aud"},     {",\"aud\":\"other\"", "aud"},           {"", "aud"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char claims[256];

        snprintf(claims, sizeof claims, CLAIMS("%s%s"), iss, cases[i].more);
        expect(&strict, token_hs256(HEADER, claims, SECRET), cases[i].why);
    }
    expect(&strict, token_hs256(HEADER, CLAIMS(",\"aud\":\"sync\""), SECRET), "iss");
    expect(&strict, token_hs256(HEADER, CLAIMS(",\"aud\":\"sync\",\"iss\":\"https://issuer/\""), SECRET),
           "iss");
    expect(&keys, token_hs256(HEADER, CLAIMS(",\"aud\":\"other\",\"iss\":\"other\""), SECRET), NULL);
}
END_TEST

START_TEST(the_highest_known_role_counts)
{
    static const struct {
        const char *claims;
        enum auth_role role;
    } cases[] = {
        {CLAIMS(""), AUTH_NONE},
        {CLAIMS(",\"roles\":[]"), AUTH_NONE},
        {CLAIMS(",\"roles\":[\"root\",\"ADMIN\",\"none\"]"), AUTH_NONE},
        {CLAIMS(",\"roles\":[\"viewer\",\"operator\",\"service\",\"root\"]"), AUTH_OPERATOR},
        {CLAIMS(",\"role\":\"admin\""), AUTH_ADMIN},
        {CLAIMS(",\"roles\":\"viewer\""), AUTH_VIEWER},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf token = token_hs256(HEADER, cases[i].claims, SECRET);
        struct identity identity;

        ck_assert_ptr_null(judge(&keys, token.data, &identity));
        ck_assert_msg(identity.role == cases[i].role, "%s is %s", cases[i].claims,
                      auth_role_name(identity.role));
        buf_release(&token);
    }
}
END_TEST

START_TEST(a_tenant_has_at_most_128_bytes)
{
    char tenant[130], claims[256];

    for (int len = 128; len <= 129; len++) {
        memset(tenant, 'x', sizeof tenant);
        tenant[len] = '\0';
        snprintf(claims, sizeof claims, CLAIMS(",\"tenant_id\":\"%s\""), tenant);
        expect(&keys, token_hs256(HEADER, claims, SECRET), len == 128 ? NULL : "tenant_id");
    }
}
END_TEST

START_TEST(rs256_and_es256_verify_with_their_own_key_alone)
{
    const struct auth_keys rsa = {"", token_rsa_public.data, "", "", false},
                           ec = {"", token_ec_public.data, "", "", false};

    expect(&rsa, token_with_key("RS256", "rsa.pem", CLAIMS("")), NULL);
    expect(&ec, token_with_key("ES256", "ec.pem", CLAIMS("")), NULL);
    expect(&ec, token_with_key("RS256", "rsa.pem", CLAIMS("")), "signature");
    expect(&rsa, token_with_key("ES256", "ec.pem", CLAIMS("")), "signature");
    expect(&rsa, token_with_key("ES256", "rsa.pem", CLAIMS("")), "signature");
    expect(&ec, token_with_key("RS256", "ec.pem", CLAIMS("")), "signature");
    expect(&rsa, token_with_key("RS512", "rsa.pem", CLAIMS("")), "algorithm");
    expect(&rsa, token_with_key("PS256", "rsa.pem", CLAIMS("")), "algorithm");
    expect(&rsa, token_with_key("RS256", "rsa.pem", "{\"sub\":\"u\",\"exp\":1000}"), "expired");
}
END_TEST

START_TEST(a_public_key_is_never_an_hmac_secret)
{
    const struct auth_keys rsa = {"", token_rsa_public.data, "", "", false},
                           both = {SECRET, token_rsa_public.data, "", "", false};

    expect(&rsa, token_hs256(HEADER, CLAIMS(""), token_rsa_public.data), "algorithm");
    expect(&both, token_hs256(HEADER, CLAIMS(""), token_rsa_public.data), "signature");
    expect(&both, token_hs256("{\"alg\":\"RS256\"}", CLAIMS(""), token_rsa_public.data), "signature");
    expect(&both, token_hs256("{\"alg\":\"RS256\"}", CLAIMS(""), SECRET), "signature");
    expect(&both, token_hs256(HEADER, CLAIMS(""), SECRET), NULL);
    expect(&both, token_with_key("RS256", "rsa.pem", CLAIMS("")), NULL);
}
END_TEST

START_TEST(a_public_key_that_is_none_believes_nothing)
{
    const struct auth_keys broken = {"", "-----BEGIN PUBLIC KEY-----\nno\n-----END PUBLIC KEY-----\n", "", "",
                                     false};

    expect(&broken, token_with_key("RS256", "rsa.pem", CLAIMS("")), "signature");
}
END_TEST

START_TEST(a_minted_token_says_what_it_was_given)
{
    const struct auth_keys mint = {SECRET, "", "https://issuer", "sync", false};
    struct identity given = {
        .subject = "s \"quoted\" ü", .tenant = "*", .platform = "bizoholic", .role = AUTH_ADMIN};
    struct identity got;
    struct buf token;

    buf_init(&token);
    ck_assert_int_eq(auth_mint(&mint, &given, NOW, 60000, &token), 0);
    ck_assert_ptr_null(judge(&mint, token.data, &got));
    ck_assert_str_eq(got.subject, given.subject);
    ck_assert_str_eq(got.tenant, "*");
    ck_assert_str_eq(got.platform, "bizoholic");
    ck_assert_int_eq(got.role, AUTH_ADMIN);
    ck_assert_int_eq(got.expires_ms, NOW + 60000);
    buf_release(&token);
}
END_TEST

START_TEST(nothing_is_minted_with_an_unusable_secret)
{
    const struct auth_keys none = {"", "", "", "", true}, brief = {"short", "", "", "", false};
    struct identity given = {.subject = "s"};
    struct buf token;

    buf_init(&token);
    ck_assert_int_eq(auth_mint(&none, &given, NOW, 60000, &token), -1);
    ck_assert_int_eq(auth_mint(&brief, &given, NOW, 60000, &token), -1);
    ck_assert_uint_eq(token.len, 0);
    buf_release(&token);
}
END_TEST

START_TEST(a_remembered_token_is_the_same_identity_until_it_expires)
{
    const struct auth_keys other = {"another secret of more than 32 bytes", "", "", "", false};
    struct buf token = token_hs256(HEADER, CLAIMS(",\"tenant_id\":\"t1\",\"role\":\"viewer\""), SECRET);
    struct auth_cache *cache = auth_cache_new(2);
    struct identity got;
    const char *why;

    ck_assert_int_eq(auth_cache_check(cache, &keys, token.data, NOW, &got, &why), 0);
    ck_assert_int_eq(auth_cache_check(cache, &other, token.data, NOW, &got, &why), 0); /* not asked again */
    ck_assert_str_eq(got.tenant, "t1");
    ck_assert_int_eq(got.role, AUTH_VIEWER);
    ck_assert_int_eq(auth_cache_check(cache, &keys, token.data, NOW + 3600000 + 30000, &got, &why), -1);
    ck_assert_int_eq(auth_cache_check(cache, &other, token.data, NOW, &got, &why), -1); /* and forgotten */
    ck_assert_int_eq(auth_cache_check(cache, &keys, token.data, NOW, &got, &why), 0);
    auth_cache_clear(cache);
    ck_assert_int_eq(auth_cache_check(cache, &other, token.data, NOW, &got, &why), -1);
    auth_cache_free(&cache);
    buf_release(&token);
}
END_TEST

START_TEST(the_memory_of_tokens_has_a_ceiling)
{
    struct auth_cache *cache = auth_cache_new(2);
    const struct auth_keys other = {"another secret of more than 32 bytes", "", "", "", false};
    struct identity got;
    struct buf first;
    const char *why;

    for (int i = 0; i < 3; i++) {
        char claims[128];
        struct buf token;

        snprintf(claims, sizeof claims, "{\"sub\":\"u%d\",\"exp\":1800003600}", i);
        token = token_hs256(HEADER, claims, SECRET);
        ck_assert_int_eq(auth_cache_check(cache, &keys, token.data, NOW, &got, &why), 0);
        ck_assert_int_eq(auth_cache_check(cache, &other, token.data, NOW, &got, &why), 0);
        buf_release(&token);
    }
    first = token_hs256(HEADER, "{\"sub\":\"u0\",\"exp\":1800003600}", SECRET);
    ck_assert_int_eq(auth_cache_check(cache, &other, first.data, NOW, &got, &why), -1);
    buf_release(&first);
    auth_cache_free(&cache);
}
END_TEST

START_TEST(role_names_are_read_and_written)
{
    enum auth_role role;

    for (int i = AUTH_VIEWER; i <= AUTH_ADMIN; i++) {
        ck_assert_int_eq(auth_role_parse(auth_role_name((enum auth_role)i), &role), 0);
        ck_assert_int_eq((int)role, i);
    }
    ck_assert_int_eq(auth_role_parse("none", &role), -1);
    ck_assert_int_eq(auth_role_parse("Admin", &role), -1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("auth");
    Suite *suite = suite_create("auth");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_unchecked_fixture(tcase, token_make_keys, token_remove_keys);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_good_hs256_token_names_subject_tenant_role_and_end);
    tcase_add_loop_test(tcase, each_claim_is_judged, 0, sizeof claim_cases / sizeof *claim_cases);
    tcase_add_loop_test(tcase, the_header_cannot_choose, 0, sizeof header_cases / sizeof *header_cases);
    tcase_add_test(tcase, every_cut_of_a_token_is_refused);
    tcase_add_test(tcase, every_changed_byte_is_refused);
    tcase_add_test(tcase, what_is_no_jwt_is_refused);
    tcase_add_test(tcase, another_secret_and_an_empty_or_short_one_are_refused);
    tcase_add_test(tcase, issuer_and_audience_count_when_configured);
    tcase_add_test(tcase, the_highest_known_role_counts);
    tcase_add_test(tcase, a_tenant_has_at_most_128_bytes);
    tcase_add_test(tcase, rs256_and_es256_verify_with_their_own_key_alone);
    tcase_add_test(tcase, a_public_key_is_never_an_hmac_secret);
    tcase_add_test(tcase, a_public_key_that_is_none_believes_nothing);
    tcase_add_test(tcase, a_minted_token_says_what_it_was_given);
    tcase_add_test(tcase, nothing_is_minted_with_an_unusable_secret);
    tcase_add_test(tcase, a_remembered_token_is_the_same_identity_until_it_expires);
    tcase_add_test(tcase, the_memory_of_tokens_has_a_ceiling);
    tcase_add_test(tcase, role_names_are_read_and_written);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
