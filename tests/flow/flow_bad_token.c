/*
 * flow_bad_token.c: who is let in. Tokens that are missing, old, forged or of the wrong kind are 401, those that may not are 403,
 * and tenants never meet. The stack knows a secret and an RSA public key: each token counts only with the algorithm of its key.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/token_fixture.h"
#include "flow_fixture.h"
#include "good_event_fixture.h"

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static const char *claims(int64_t expires_in_s, const char *further)
{
    return api_text("{\"sub\":\"tester\",\"tenant_id\":\"" API_TENANT
                    "\",\"roles\":[\"service\"],\"exp\":%lld%s}",
                    (long long)time(NULL) + expires_in_s, further);
}

static const char *keep(struct buf token)
{
    return pick_keep(buf_detach(&token, NULL));
}

static const char *signed_token(const char *header, const char *text, const char *secret)
{
    return keep(token_hs256(header, text, secret));
}

static const char *unsigned_token(const char *header, const char *tail)
{
    struct buf token = BUF_INIT;

    token_add_unsigned(&token, header, claims(3600, ""));
    buf_add_str(&token, tail);
    return keep(token);
}

/* Nothing may be done with it, and with a good one all goes on. */
static void check_not_let_in(const char *token, const char *type, const char *what)
{
    const struct refusal due = {401, type, NULL};
    static const char *const paths[] = {"/sync/events", "/sync/events/x", "/sync/status", "/sync/metrics"};
    const struct api_answer *answer = api_send(
        &(struct api_request){.url = "/sync/events", .token = token, .body = good_event_body("intruder")});

    good_event_check_refused(answer, &due, what);
    ck_assert_msg(api_header(answer, "WWW-Authenticate") != NULL, "%s: no WWW-Authenticate", what);
    ck_assert_msg(!*token || !strstr(answer->body, token), "%s: the token is in the answer", what);
    for (size_t i = 0; i < COUNT(paths); i++)
        ck_assert_msg(api_send(&(struct api_request){.url = paths[i], .token = token})->status == 401,
                      "%s: %s", what, paths[i]);
    good_event_goes_through(what);
}

START_TEST(without_a_token_nothing_is_done)
{
    static const char *const schemes[] = {"Authorization: Basic dXNlcjpwYXNz", "Authorization: Bearer",
                                          "Authorization: "};

    check_not_let_in("", "token-missing", "no token");
    for (size_t i = 0; i < COUNT(schemes); i++)
        ck_assert_int_eq(api_send(&(struct api_request){.url = "/sync/events",
                                                        .token = "",
                                                        .body = good_event_body("intruder"),
                                                        .headers = {schemes[i]}})
                             ->status,
                         401);
}
END_TEST

START_TEST(expired_and_endless_tokens_are_401)
{
    const char *secret = stack_setting("JWT_SECRET");

    check_not_let_in(signed_token(HS256, claims(-60, ""), secret), "token-invalid", "expired");
    check_not_let_in(signed_token(HS256,
                                  "{\"sub\":\"t\",\"tenant_id\":\"" API_TENANT "\",\"roles\":[\"service\"]}",
                                  secret),
                     "token-invalid", "without exp");
    check_not_let_in(signed_token(HS256, claims(3600, ",\"nbf\":99999999999"), secret), "token-invalid",
                     "not yet valid");
}
END_TEST

START_TEST(forged_tokens_are_401)
{
    const char *secret = stack_setting("JWT_SECRET"), *good = api_token(API_TENANT, "service");

    check_not_let_in(signed_token(HS256, claims(3600, ""), "another secret of more than thirty-two bytes"),
                     "token-invalid", "another secret");
    check_not_let_in(signed_token(HS256, claims(3600, ""), ""), "token-invalid", "an empty secret");
    check_not_let_in(api_text("%.*sA", (int)strlen(good) - 2, good), "token-invalid", "a changed signature");
    check_not_let_in(api_text("%.*s", (int)(strrchr(good, '.') - good), good), "token-invalid",
                     "no signature");
    check_not_let_in("a.b.c", "token-invalid", "no token at all");
    check_not_let_in(api_text("%s.%s", good, good), "token-invalid", "two tokens");
    check_not_let_in(signed_token("{\"alg\":\"HS512\"}", claims(3600, ""), secret), "token-invalid", "HS512");
    check_not_let_in(signed_token(HS256, "no json", secret), "token-invalid", "claims that are no JSON");
}
END_TEST

START_TEST(the_algorithm_none_is_401)
{
    static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\",\"typ\":\"JWT\"}",
                                          "{\"alg\":\"nOnE\"}", "{\"alg\":\"\"}", "{}"};

    for (size_t i = 0; i < COUNT(headers); i++) {
        check_not_let_in(unsigned_token(headers[i], "."), "token-invalid", headers[i]);
        check_not_let_in(unsigned_token(headers[i], ".AAAA"), "token-invalid", headers[i]);
    }
}
END_TEST

START_TEST(an_rs256_token_of_the_known_key_is_taken)
{
    const char *token = keep(token_with_key("RS256", "rsa.pem", claims(3600, "")));

    ck_assert_int_eq(
        api_send(&(struct api_request){.url = "/sync/events", .token = token, .body = good_event_body("rsa")})
            ->status,
        200);
}
END_TEST

START_TEST(tokens_whose_algorithm_is_not_that_of_the_key_are_401)
{
    check_not_let_in(signed_token(HS256, claims(3600, ""), token_rsa_public.data), "token-invalid",
                     "HS256 with the public key as the secret");
    check_not_let_in(signed_token("{\"alg\":\"RS256\"}", claims(3600, ""), stack_setting("JWT_SECRET")),
                     "token-invalid", "RS256 that is an HMAC");
    check_not_let_in(keep(token_with_key("HS256", "rsa.pem", claims(3600, ""))), "token-invalid",
                     "HS256 that is RSA");
    check_not_let_in(keep(token_with_key("ES256", "ec.pem", claims(3600, ""))), "token-invalid",
                     "an EC key that nobody knows");
}
END_TEST

/* ── what a good token may ── */

static int status_of(const char *method, const char *url, const char *token, const char *body)
{
    return api_send(&(struct api_request){.method = method, .url = url, .token = token, .body = body})
        ->status;
}

START_TEST(a_viewer_reads_and_does_not_write)
{
    const char *viewer = api_token(API_TENANT, "viewer"), *service = api_token(API_TENANT, "service");
    const struct refusal due = {403, "role-too-low", NULL};

    good_event_check_refused(api_send(&(struct api_request){
                                 .url = "/sync/events", .token = viewer, .body = good_event_body("viewer")}),
                             &due, "a viewer");
    ck_assert_int_eq(status_of("GET", "/sync/events", viewer, NULL), 200);
    ck_assert_int_eq(status_of("POST", "/sync/events/x/retry", service, NULL), 403);
    ck_assert_int_eq(status_of("POST", "/sync/events/x/retry", api_token(API_TENANT, "operator"), NULL), 404);
    good_event_goes_through("a viewer");
}
END_TEST

START_TEST(a_token_without_tenant_or_role_is_403)
{
    const char *secret = stack_setting("JWT_SECRET");
    const char *bare =
        signed_token(HS256, api_text("{\"sub\":\"u\",\"exp\":%lld}", (long long)time(NULL) + 600), secret);
    const char *no_role =
        signed_token(HS256,
                     api_text("{\"sub\":\"u\",\"tenant_id\":\"" API_TENANT "\",\"exp\":%lld}",
                              (long long)time(NULL) + 600),
                     secret);

    ck_assert_int_eq(status_of("POST", "/sync/events", bare, good_event_body("bare")), 403);
    ck_assert_int_eq(status_of("GET", "/sync/events", bare, NULL), 403);
    ck_assert_int_eq(status_of("GET", "/sync/events", no_role, NULL), 403);
}
END_TEST

START_TEST(a_platforms_token_speaks_for_that_platform_alone)
{
    const char *coreldove = api_token_for(API_TENANT, "service", "coreldove", NULL);
    const struct refusal due = {403, "foreign-platform", NULL};

    good_event_check_refused(api_send(&(struct api_request){.url = "/sync/events",
                                                            .token = coreldove,
                                                            .body = good_event_body("platform")}),
                             &due, "another platform");
    ck_assert_int_eq(status_of("POST", "/sync/events",
                               api_token_for(API_TENANT, "service", "bizoholic", NULL),
                               good_event_body("platform")),
                     200);
}
END_TEST

START_TEST(another_tenants_event_is_not_there)
{
    const char *id = api_event("%s", good_event_body("ours")), *foreign = api_token("foreign", "admin");
    const char *own = api_event("{\"id\":\"own-id-of-ours\",%s", good_event_body("ours") + 1);

    api_await(id, "completed");
    ck_assert_int_eq(status_of("GET", api_text("/sync/events/%s", id), foreign, NULL), 404);
    ck_assert_int_eq(status_of("GET", api_text("/sync/events/%s", own), foreign, NULL), 404);
    ck_assert_int_eq(status_of("POST", api_text("/sync/events/%s/retry", id), foreign, NULL), 404);
    const struct api_answer *there =
        api_send(&(struct api_request){.url = api_text("/sync/events/%s", id), .token = foreign});
    const struct api_answer *nowhere = api_send(
        &(struct api_request){.url = "/sync/events/01930000-0000-7000-8000-000000000000", .token = foreign});
    ck_assert_str_eq(pick_text(there->json, "/detail"), pick_text(nowhere->json, "/detail"));
    ck_assert_str_eq(pick_text(there->json, "/type"), pick_text(nowhere->json, "/type"));
}
END_TEST

START_TEST(lists_and_counts_of_another_tenant_are_out_of_reach)
{
    const char *foreign = api_token("stranger", "admin");
    static const char *const paths[] = {"/sync/events?tenant_id=" API_TENANT,
                                        "/sync/metrics?tenant_id=" API_TENANT};

    good_event_goes_through("a stranger");
    for (size_t i = 0; i < COUNT(paths); i++) {
        const struct api_answer *answer = api_send(&(struct api_request){.url = paths[i], .token = foreign});

        ck_assert_msg(answer->status == 404, "%s: %d %s", paths[i], answer->status, answer->body);
        ck_assert_ptr_nonnull(strstr(pick_text(answer->json, "/detail"), "tenant_id"));
    }
    pick_equal(api_send(&(struct api_request){.url = "/sync/events", .token = foreign})->json, "/total", "0");
    pick_equal(api_send(&(struct api_request){.url = "/sync/metrics", .token = foreign})->json,
               "/total_events", "0");
}
END_TEST

START_TEST(writing_for_another_tenant_is_403)
{
    const struct refusal due = {403, "foreign-tenant", NULL};
    const char *body = api_text("{\"tenant_id\":\"" API_TENANT "\",%s", good_event_body("smuggled") + 1);

    good_event_check_refused(api_send(&(struct api_request){.url = "/sync/events",
                                                            .token = api_token("foreign", "admin"),
                                                            .body = body}),
                             &due, "a foreign tenant");
    ck_assert_int_eq(sql_int("SELECT count(*) FROM sync_events WHERE entity_id LIKE 'smuggled%%'"), 0);
    good_event_goes_through("a foreign tenant");
}
END_TEST

START_TEST(the_operator_of_all_tenants_names_the_one_he_means)
{
    const char *all = api_token("*", "admin");
    const char *body = api_text("{\"tenant_id\":\"named\",%s", good_event_body("any") + 1);

    ck_assert_int_eq(status_of("POST", "/sync/events", all, body), 200);
    ck_assert_int_eq(status_of("POST", "/sync/events", all, good_event_body("any")), 422);
    pick_equal(api_send(&(struct api_request){.url = "/sync/events?tenant_id=named", .token = all})->json,
               "/total", "1");
}
END_TEST

/* The stack reads the public key at its start. In this process: the keys must stay. */
START_TEST(keys_are_made)
{
    token_make_keys();
    ck_assert_uint_gt(token_rsa_public.len, 100);
}
END_TEST

START_TEST(keys_are_removed)
{
    token_remove_keys();
}
END_TEST

static int run_here(const TTest *test)
{
    Suite *suite = suite_create("keys");
    TCase *tcase = tcase_create("keys");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

int main(void)
{
    if (run_here(keys_are_made) != 0)
        return EXIT_FAILURE;
    const char *env[] = {api_text("JWT_PUBLIC_KEY=%s", token_rsa_public.data), NULL};
    int status = flow_run(
        "bad_token", &(struct stack_options){.env = env},
        (const TTest *[]){
            without_a_token_nothing_is_done, expired_and_endless_tokens_are_401, forged_tokens_are_401,
            the_algorithm_none_is_401, an_rs256_token_of_the_known_key_is_taken,
            tokens_whose_algorithm_is_not_that_of_the_key_are_401, a_viewer_reads_and_does_not_write,
            a_token_without_tenant_or_role_is_403, a_platforms_token_speaks_for_that_platform_alone,
            another_tenants_event_is_not_there, lists_and_counts_of_another_tenant_are_out_of_reach,
            writing_for_another_tenant_is_403, the_operator_of_all_tenants_names_the_one_he_means, NULL});
    return run_here(keys_are_removed) != 0 ? EXIT_FAILURE : status;
}
