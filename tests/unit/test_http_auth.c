/* test_http_auth.c: who is believed, and what a role may do. */
#include "http_toy_fixture.h"

#include "token_fixture.h"

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void start(void)
{
    toy_start(&(struct toy_spec){.limits = toy_limits});
}

static void stop(void)
{
    toy_stop();
}

#define CLAIMS(more) "{\"sub\":\"u\",\"exp\":9999999999" more "}"

static const struct {
    const char *name, *what, *claims, *secret; /* claims NULL: no token */
    int status;
    const char *type;
} tokens[] = {
    {"none", "GET /things/1", NULL, NULL, 401, "token-missing"},
    {"none, with a body", "POST /things", NULL, NULL, 401, "token-missing"},
    {"forged", "GET /things/1", CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"admin\"]"),
     "not the secret of the toy server, but long", 401, "token-invalid"},
    {"expired", "GET /things/1",
     "{\"sub\":\"u\",\"exp\":1000000000,\"tenant_id\":\"t\",\"roles\":[\"admin\"]}", TOY_SECRET, 401,
     "token-invalid"},
    {"without exp", "GET /things/1", "{\"sub\":\"u\",\"tenant_id\":\"t\",\"roles\":[\"admin\"]}", TOY_SECRET,
     401, "token-invalid"},
    {"not yet valid", "GET /things/1",
     CLAIMS(",\"nbf\":9999999990,\"tenant_id\":\"t\",\"roles\":[\"admin\"]"), TOY_SECRET, 401,
     "token-invalid"},
    {"without tenant", "GET /things/1", CLAIMS(",\"roles\":[\"admin\"]"), TOY_SECRET, 403,
     "token-without-tenant"},
    {"without role", "GET /things/1", CLAIMS(",\"tenant_id\":\"t\""), TOY_SECRET, 403, "role-too-low"},
    {"viewer reads", "GET /things/1", CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"viewer\"]"), TOY_SECRET, 200,
     NULL},
    {"viewer writes", "POST /things", CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"viewer\"]"), TOY_SECRET, 403,
     "role-too-low"},
    {"service writes", "POST /things", CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"service\"]"), TOY_SECRET,
     200, NULL},
    {"operator writes", "POST /things", CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"viewer\",\"operator\"]"),
     TOY_SECRET, 200, NULL},
    {"operator deletes", "DELETE /things/1", CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"operator\"]"),
     TOY_SECRET, 403, "role-too-low"},
    {"admin deletes", "DELETE /things/1", CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"admin\"]"), TOY_SECRET,
     200, NULL},
    {"operator of all", "GET /things/1", CLAIMS(",\"tenant_id\":\"*\",\"roles\":[\"admin\"]"), TOY_SECRET,
     200, NULL},
    {"unknown path needs none", "GET /nothing", NULL, NULL, 404, "no-such-path"},
};

static const struct http_answer *ask_with(const char *what, const struct buf *token)
{
    struct buf headers = BUF_INIT;
    if (token != NULL)
        buf_addf(&headers, "Authorization: Bearer %s\r\n", token->data);
    buf_add_str(&headers, JSON_TYPE);
    const struct http_answer *answer =
        toy_ask(what, headers.data, strncmp(what, "POST", 4) == 0 ? "{}" : NULL);
    buf_release(&headers);
    return answer;
}

START_TEST(a_token_decides_what_may_be_done)
{
    struct buf token = BUF_INIT;
    if (tokens[_i].claims != NULL)
        token = token_hs256(HS256, tokens[_i].claims, tokens[_i].secret);
    for (int again = 0; again < 2; again++) { /* the second time it may be remembered */
        const struct http_answer *answer =
            ask_with(tokens[_i].what, tokens[_i].claims != NULL ? &token : NULL);
        if (tokens[_i].type == NULL)
            ck_assert_msg(answer->status == tokens[_i].status, "%s: %d", tokens[_i].name, answer->status);
        else
            toy_assert_problem(answer, tokens[_i].status, tokens[_i].type);
        ck_assert(answer_has(answer, "WWW-Authenticate", NULL) == (tokens[_i].status == 401));
    }
    buf_release(&token);
}
END_TEST

START_TEST(what_is_no_token_is_401)
{
    static const char *const values[] = {"Bearer",
                                         "Bearer ",
                                         "Bearer x",
                                         "Bearer a.b.c",
                                         "Basic dTpw",
                                         "Bearer  ",
                                         "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0."};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char headers[128];
        snprintf(headers, sizeof headers, "Authorization: %s\r\n", values[i]);
        const struct http_answer *answer = toy_ask("GET /things/1", headers, NULL);
        ck_assert_msg(answer->status == 401, "%s: %d", values[i], answer->status);
    }
    struct buf none = BUF_INIT;
    token_add_unsigned(&none, "{\"alg\":\"none\"}", CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"admin\"]"));
    buf_add_ch(&none, '.');
    toy_assert_problem(ask_with("GET /things/1", &none), 401, "token-invalid");
    buf_release(&none);
}
END_TEST

START_TEST(a_token_is_forgotten_when_the_keys_change)
{
    struct buf token = token_hs256(HS256, CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"viewer\"]"), TOY_SECRET);
    ck_assert_int_eq(ask_with("GET /things/1", &token)->status, 200);
    ck_assert_int_eq(toy_ask("POST /open/keys", "", NULL)->status, 200);
    toy_assert_problem(ask_with("GET /things/1", &token), 401, "token-invalid");
    buf_release(&token);
}
END_TEST

START_TEST(without_required_credentials_the_request_names_its_tenant)
{
    toy_start(&(struct toy_spec){.limits = toy_limits, .auth_open = true});
    ck_assert_ptr_nonnull(strstr(toy_ask("GET /things/1?tenant_id=t9", "", NULL)->body, "\"tenant\":\"t9\""));
    ck_assert_ptr_nonnull(strstr(toy_ask("GET /things/1", "", NULL)->body, "\"tenant\":\"*\""));
    ck_assert_ptr_nonnull(strstr(toy_ask("DELETE /things/1", "Authorization: Bearer stale\r\n", NULL)->body,
                                 "\"role\":\"admin\""));
    struct buf token = token_hs256(HS256, CLAIMS(",\"tenant_id\":\"t\",\"roles\":[\"viewer\"]"), TOY_SECRET);
    ck_assert_ptr_nonnull(strstr(ask_with("GET /things/1", &token)->body, "\"tenant\":\"t\""));
    toy_assert_problem(ask_with("DELETE /things/1", &token), 403, "role-too-low");
    buf_release(&token);
    toy_stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_auth");
    TCase *tests = tcase_create("auth");
    TCase *others = tcase_create("own server");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 30);
    tcase_set_timeout(others, 30);
    tcase_add_loop_test(tests, a_token_decides_what_may_be_done, 0, sizeof tokens / sizeof *tokens);
    tcase_add_test(tests, what_is_no_token_is_401);
    tcase_add_test(tests, a_token_is_forgotten_when_the_keys_change);
    tcase_add_test(others, without_required_credentials_the_request_names_its_tenant);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, others);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
